"""A site whose layers environment variables choose."""

import json
import os

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "channels"]
ROOT_URLCONF = "site_application"
CHANNEL_LAYERS = json.loads(os.environ["SITE_LAYERS"])
DATABASES: dict[str, object] = {}
