"""The settings of a project whose processes meet at one hub."""

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["channels"]
ASGI_APPLICATION = "chat_application.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "casgi.channels.ChannelLayer"}}
