"""The kinds of options.

A field of Config says once what it is: the check, the command line, the variable of the
environment, `--help` and docs/options.md are made from that.
"""

import enum
import math
from collections.abc import Callable
from dataclasses import Field, dataclass, field
from typing import Any, get_args

from casgi.errors import ConfigError

AUTO = "auto"


class Section(enum.Enum):
    """Where an option stands in `--help` and in docs/options.md, in this order."""

    LISTENING = "Where to listen"
    TLS = "TLS: https and wss"
    APPLICATION = "The application"
    WORKERS = "Workers"
    STATIC = "Static files"
    CHANNELS = "Django Channels"
    LOGS = "Logs"
    PROXIES = "Behind a proxy"
    TIMES = "Times, in seconds; -1 is never"
    WEBSOCKETS = "Compression of WebSocket messages"
    LIMITS = "Limits"
    HTTP2 = "HTTP/2"
    HEADERS = "Headers of responses"
    DEVELOPMENT = "While developing"
    OTHER = "Other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What all kinds have.

    Attributes:
        help: one sentence.
        section: where it is listed.
        short: its short spelling, "-b".
        name: its long spelling, "--endpoint", when that is not the field's.
        metavar: what stands for the value in `--help`.
        is_of_core: whether `_core.Server` takes it under the field's name.

    """

    help: str
    section: Section
    short: str | None = None
    name: str | None = None
    metavar: str | None = None
    is_of_core: bool = True

    @property
    def allowed(self) -> str:
        """What may be written on the command line, in a variable or a file."""
        return "a text"

    def check(self, name: str, value: Any) -> None:
        """Raise ConfigError if the field cannot have the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds(Option):
    """A time, None for never; on the command line that is -1, and 0 unless it has a use."""

    zero_is_never: bool = True

    def is_never(self, value: float) -> bool:
        """Whether it stands for no end on the command line and where numbers are read as there."""
        return -math.inf < value < 0 or (value == 0 and self.zero_is_never)

    @property
    def allowed(self) -> str:
        """A number."""
        return "a number of seconds, -1 for never"

    def check(self, name: str, value: Any) -> None:
        """Take numbers, and None."""
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{name} must be a number of seconds or None, not {value!r}")
        if not math.isfinite(value) or value < 0 or (value == 0 and self.zero_is_never):
            raise ConfigError(f"{name} must be more than 0 seconds, or None for never: {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Option):
    """A whole number."""

    least: int = 1
    most: int | None = None

    @property
    def allowed(self) -> str:
        """A number, its least, and its most if there is one."""
        return f"a whole number from {self.least}" + (f" to {self.most}" if self.most else "")

    def check(self, name: str, value: Any) -> None:
        """Take what is not less than the least, nor more than the most."""
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number or value < self.least or value > (self.most or value):
            raise ConfigError(f"{name} must be {self.allowed}, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOrAuto(Option):
    """A whole number from 1, or the word for what casgi finds out itself."""

    most: int

    def check(self, name: str, value: Any) -> None:
        """Take what is within the limits, and the word."""
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if value != AUTO and not (is_number and 1 <= value <= self.most):
            raise ConfigError(
                f"{name} must be a whole number from 1 to {self.most}, or {AUTO}, not {value!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Option):
    """A text, or several, of which a function of its own knows what it may be.

    Attributes:
        value_type: what the text is made into.
        is_repeatable: whether there may be several, each given by itself.
        separator: what stands between several in one text.
        empty_is_none: whether the empty text is a way to say None.
        checked_by: the function.

    """

    value_type: type[str | int] = str
    is_repeatable: bool = False
    separator: str | None = None
    empty_is_none: bool = False
    checked_by: Callable[[str, Any], None] | None = None

    @property
    def allowed(self) -> str:
        """Nearly anything, or a number."""
        return "a whole number" if self.value_type is int else "a text"

    def check(self, name: str, value: Any) -> None:
        """Ask the function."""
        if value is not None and self.checked_by is not None:
            self.checked_by(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Option):
    """One of several words."""

    choices: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The words."""
        return ", ".join(self.choices[:-1]) + " or " + self.choices[-1]

    def check(self, name: str, value: Any) -> None:
        """Take the words."""
        if value not in self.choices:
            raise ConfigError(f"{name} must be {self.allowed}, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Option):
    """Yes or no; with an opposite, `--no-...` can be written too."""

    has_opposite: bool = False

    @property
    def allowed(self) -> str:
        """What click takes for yes and no, the plainest."""
        return "1 or 0"


def seconds(default: float | None, section: Section, help: str, **more: Any) -> Any:
    """Return what a field of Config is set to that is a time; as the others below."""
    return _setting(default, Seconds(section=section, help=help, **more))


def number(default: int, section: Section, help: str, **more: Any) -> Any:
    """Return the same for a whole number."""
    return _setting(default, Number(section=section, help=help, **more))


def number_or_auto(default: int, section: Section, help: str, **more: Any) -> Any:
    """Return the same for a whole number that casgi may find out."""
    return _setting(default, NumberOrAuto(section=section, help=help, **more))


def text(default: Any, section: Section, help: str, **more: Any) -> Any:
    """Return the same for what has a check of its own."""
    return _setting(default, Text(section=section, help=help, **more))


def choice(default: str, section: Section, help: str, words: Any, **more: Any) -> Any:
    """Return the same for one of several words: a Literal."""
    return _setting(default, Choice(section=section, help=help, choices=get_args(words), **more))


def flag(default: bool, section: Section, help: str, **more: Any) -> Any:
    """Return the same for yes or no."""
    return _setting(default, Flag(section=section, help=help, **more))


def option_of(setting: "Field[Any]") -> Option:
    """Return the option of a field of Config."""
    option: Option = setting.metadata[_KEY]
    return option


def is_set(config: Any, name: str) -> bool:
    """Whether a setting has another value than its default."""
    default: Any = type(config).__dataclass_fields__[name].default
    return bool(getattr(config, name) != default)


_KEY = "option"


def _setting(default: Any, option: Option) -> Any:
    return field(default=default, metadata={_KEY: option})
