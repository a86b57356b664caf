import os

DEBUG = os.environ.get("SITE_DEBUG", "1") == "1"
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = os.environ["SITE_APPS"].split()
ROOT_URLCONF = "site_of_runserver.urls"
ASGI_APPLICATION = os.environ.get("SITE_APPLICATION", "site_of_runserver.asgi.application")
STATIC_URL = "static/"
USE_TZ = True
if "SITE_MESSAGE_SIZE" in os.environ:
    DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = int(os.environ["SITE_MESSAGE_SIZE"])
