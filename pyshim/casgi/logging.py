"""Logging of the command: what daphne's -v and --log-fmt set up, on standard error.

The access log is not among it: its lines are written in C, see csrc/server/access_log.h.
"""

import json
import logging
import logging.config
import time
from datetime import datetime, tzinfo

from casgi.errors import ConfigError

DEFAULT_FORMAT = "%(asctime)-15s %(levelname)-8s %(message)s"
JSON = "json"

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)


class JsonFormatter(logging.Formatter):
    """Each record as one line of JSON: timestamp, level, logger, message, and its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, in ASCII and without its end."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "timestamp": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)


def configure(verbosity: int, log_format: str, log_config: str | None = None) -> None:
    """Set up logging for a verbosity of 0 to 3, or as a file says. Raise ConfigError."""
    if log_config is not None:
        _configure_by_file(log_config)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(log_format))
    logging.basicConfig(level=_LEVELS[verbosity], handlers=[handler])


def _formatter(log_format: str) -> logging.Formatter:
    if log_format == JSON:
        return JsonFormatter()
    try:
        formatter = logging.Formatter(log_format)
        # A field that no record has is found only now; later each line would be a traceback.
        formatter.format(logging.LogRecord("", logging.INFO, "", 0, "", None, None))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"wrong --log-fmt: {error}") from None
    return formatter


def use_zone(name: str) -> None:
    """Let local times be those of a zone, which Django makes its processes' own, if it is known.

    Formatters that have times of their own keep them.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # Only supervisors need it.

    try:
        times = _TimesOfZone(ZoneInfo(name))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return
    for handler in logging.root.handlers:
        formatter = handler.formatter
        if formatter and (
            formatter.converter is time.localtime or isinstance(formatter.converter, _TimesOfZone)
        ):
            formatter.converter = times


class _TimesOfZone:
    """What time.localtime() is, in a zone; another may take its place."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def __call__(self, seconds: float | None) -> time.struct_time:
        return datetime.fromtimestamp(seconds or 0, self._zone).timetuple()


def _configure_by_file(path: str) -> None:
    """Read a dictionary for dictConfig() from a .json file, else the .ini form of fileConfig()."""
    try:
        if path.endswith(".json"):
            with open(path, encoding="utf-8") as file:
                logging.config.dictConfig(json.load(file))
        else:
            logging.config.fileConfig(path, disable_existing_loggers=False)
    except Exception as error:  # what these raise is not documented
        cause = error.__cause__
        reason = f"{error}: {cause}" if cause is not None else str(error)
        raise ConfigError(f"cannot set up logging by {path}: {reason}") from None
    enable_own_loggers()


def enable_own_loggers() -> None:
    """Undo the silencing of casgi's loggers by a project that configures logging when imported.

    `logging.config.dictConfig` disables every logger that exists already, unless told not to.
    """
    for name, logger in logging.Logger.manager.loggerDict.items():
        if name.partition(".")[0] == "casgi" and isinstance(logger, logging.Logger):
            logger.disabled = False
