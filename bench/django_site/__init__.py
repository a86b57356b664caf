"""A Django project of ordinary pages, the same code under every server: ASGI, and WSGI beside."""
