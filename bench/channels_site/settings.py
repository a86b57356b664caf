"""The settings that the tutorial's project has, and a channel layer from the environment."""

import json
import os

SECRET_KEY = "not a secret: this project is only measured"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.channels_site.urls"
ASGI_APPLICATION = "bench.channels_site.asgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

CHANNEL_LAYERS = {
    "default": json.loads(
        os.environ.get("CHANNEL_LAYER", '{"BACKEND": "channels.layers.InMemoryChannelLayer"}')
    )
}
