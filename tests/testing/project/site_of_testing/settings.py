import os
from pathlib import Path

FOLDER = Path(__file__).parents[1]
SECRET_KEY = "only for tests"
DEBUG = True
# A new project has an empty list.
ALLOWED_HOSTS = os.environ.get("SITE_HOSTS", "example.com localhost").split()
INSTALLED_APPS = os.environ.get(
    "SITE_APPS", "casgi django.contrib.staticfiles channels guestbook"
).split()
ROOT_URLCONF = "site_of_testing.urls"
ASGI_APPLICATION = "site_of_testing.asgi.application"
WSGI_APPLICATION = None
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# Tests get a database in memory, except where a process of its own has to find it.
TEST_DATABASE = os.environ.get("SITE_TEST_DATABASE")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "TEST": {"NAME": TEST_DATABASE},
    }
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
