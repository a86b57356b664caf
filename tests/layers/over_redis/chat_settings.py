"""The settings of a project whose processes meet in one Redis."""

import os

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["channels"]
ASGI_APPLICATION = "chat_application.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ["LAYER"],
        # redis-py 8 gives up reading after 5 s, as long as the original waits for a message.
        "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
    }
}
