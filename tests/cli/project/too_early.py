"""An asgi.py that imports models before Django is set up."""

import django.contrib.auth.models  # noqa: F401
