"""What `manage.py runserver` is made of."""
