"""The settings of a project in which everybody talks at once."""

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["channels"]
CHANNEL_LAYERS = {
    "default": {"BACKEND": "casgi.channels.ChannelLayer", "CONFIG": {"capacity": 1_000_000}}
}
