"""Settings of the chat. Everything that differs between machines comes from the environment.

CHAT_SECRET_KEY     required when CHAT_DEBUG=0
CHAT_DEBUG          1 (default) or 0
CHAT_ALLOWED_HOSTS  host names, separated by commas; also the origins WebSockets may come from
CHAT_CORS_ORIGINS   origins of other sites that may read the API, separated by commas
CHAT_DATABASE       path of the SQLite file
REDIS_URL           when set, groups go through Redis, so that several processes share them
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DEVELOPMENT_SECRET_KEY = "development-only-never-use-this-key-on-a-public-machine"


def comma_separated(name: str, default: str = "") -> list[str]:
    """Return the words of an environment variable that holds a comma-separated list."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


DEBUG = os.environ.get("CHAT_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("CHAT_SECRET_KEY", DEVELOPMENT_SECRET_KEY if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("CHAT_DEBUG=0 needs a CHAT_SECRET_KEY.")
ALLOWED_HOSTS = comma_separated("CHAT_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CORS_ALLOWED_ORIGINS = comma_separated("CHAT_CORS_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "corsheaders",
    "channels",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "rooms",
    "direct",
    "live",
    "polling",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("CHAT_DATABASE", BASE_DIR / "chat.sqlite3"),
        "OPTIONS": {
            # Readers and the writer do not wait for each other; a writer waits for its turn.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if "REDIS_URL" in os.environ:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # redis-py 8 gives up reading after 5 s, as long as the layer waits for a message.
            "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "direct:people"
LOGOUT_REDIRECT_URL = "home"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chat",
    "DESCRIPTION": "The polling half of the chat; the other half is WebSocket.",
    "VERSION": "1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"  # what collectstatic fills, for --static
STATICFILES_DIRS = [BASE_DIR / "project" / "static"]
TIME_ZONE = "UTC"
USE_TZ = True
