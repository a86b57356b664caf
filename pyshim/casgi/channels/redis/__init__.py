"""The layers of channels_redis with their local part in casgi: on lists (`core`) and on pub/sub."""
