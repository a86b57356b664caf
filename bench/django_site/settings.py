"""What `startproject` writes, a database with persistent connections, and what is varied.

BENCH_DATABASE names the file of the database, BENCH_MIDDLEWARE one of `bench.django_site.stacks`,
BENCH_STATIC_FOLDER a folder of static files.
"""

import os

from bench.django_site.stacks import APPS, STACKS

SECRET_KEY = "not a secret: this project is only measured, and so has no users to protect"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.django_site.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
_stack = os.environ.get("BENCH_MIDDLEWARE", "default")
INSTALLED_APPS += APPS.get(_stack, [])
MIDDLEWARE = STACKS[_stack]
DEBUG = _stack == "toolbar"
INTERNAL_IPS = ["127.0.0.1"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [os.path.join(os.path.dirname(__file__), "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BENCH_DATABASE", ":memory:"),
        "CONN_MAX_AGE": 60,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = (
    [os.environ["BENCH_STATIC_FOLDER"]] if "BENCH_STATIC_FOLDER" in os.environ else []
)
CORS_ALLOWED_ORIGINS = ["https://example.com"]
