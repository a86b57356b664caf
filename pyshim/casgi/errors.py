"""The errors a user of the command or of `casgi.serve` can meet, each with its exit code."""


class CasgiError(Exception):
    """Something the user can put right: its text is one line, without a traceback."""

    exit_code = 2


class ConfigError(CasgiError, ValueError):
    """An option has a value that it cannot have."""


class ApplicationImportError(CasgiError):
    """The application named on the command line was not found, or is not an application."""


class BindError(CasgiError):
    """A socket could not be bound or listened on."""


class LifespanError(CasgiError):
    """The application said, in its lifespan, that it could not start."""

    exit_code = 3
