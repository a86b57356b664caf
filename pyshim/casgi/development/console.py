"""Lines of casgi's log on the console of `manage.py runserver`.

Django's default settings have handlers for its own loggers only, so that a refused request, a
traceback of a consumer or a blocked event loop would be seen by nobody, or without its level.
"""

import logging

_SHOWN = ("casgi.error", "casgi.process")


def show_log() -> None:
    """Show what a developer has to see, unless the project has handlers for it."""
    for name in _SHOWN:
        logger = logging.getLogger(name)
        if logger.hasHandlers():
            continue
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
