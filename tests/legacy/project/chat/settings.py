"""Settings of a Django 2 project with Channels 2.1.3."""

import os

SECRET_KEY = "of a test"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", ".chat.test"]
INSTALLED_APPS = [
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_yasg2",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "chat.urls"
ASGI_APPLICATION = "chat.routing.application"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["CHAT_DATABASE"]}
}
STATIC_URL = "/static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if "CHAT_REDIS" in os.environ:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # None: redis-py 8 stops reading after 5 seconds, just when Redis says "nothing yet".
            "CONFIG": {"hosts": [{"address": os.environ["CHAT_REDIS"], "socket_timeout": None}]},
        }
    }
