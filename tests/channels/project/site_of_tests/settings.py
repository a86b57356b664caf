"""A Django project with Channels as a tutorial's reader has it, small where the tutorial is."""

import os
from pathlib import Path

FOLDER = Path(os.environ["SITE_FOLDER"])
REDIS_URL = os.environ.get("REDIS_URL")

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "test"]
ROOT_URLCONF = "site_of_tests.urls"
ASGI_APPLICATION = "site_of_tests.asgi.application"
USE_TZ = True
APPEND_SLASH = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "site_of_tests.middleware.SyncMarker",
    "site_of_tests.middleware.async_marker",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # redis-py 8 gives up reading after 5 s, as long as the layer waits for a message.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
