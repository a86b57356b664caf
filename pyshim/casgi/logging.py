"""Logging of the command: what daphne's -v and --log-fmt set up, on standard error."""

import logging

DEFAULT_FORMAT = "%(asctime)-15s %(levelname)-8s %(message)s"

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)


def configure(verbosity: int, log_format: str) -> None:
    """Set up the root logger for a verbosity of 0 to 3."""
    logging.basicConfig(level=_LEVELS[verbosity], format=log_format)


def enable_own_loggers() -> None:
    """Undo the silencing of casgi's loggers by a project that configures logging when imported.

    `logging.config.dictConfig` disables every logger that exists already, unless told not to.
    """
    for name, logger in logging.Logger.manager.loggerDict.items():
        if name.partition(".")[0] == "casgi" and isinstance(logger, logging.Logger):
            logger.disabled = False
