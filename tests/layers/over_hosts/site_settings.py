"""The settings of a project on several hosts, whose Redis an environment variable names."""

import os

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["channels"]
ALLOWED_HOSTS = ["*"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "casgi.channels.RedisHubChannelLayer",
        "CONFIG": {"hosts": [os.environ["SITE_REDIS"]]},
    }
}
