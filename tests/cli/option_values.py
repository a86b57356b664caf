"""A value for every option, and the Config that a command line gives: what tests share."""

import dataclasses
from typing import Any

from casgi.cli import main, make_config
from casgi.config import Config
from casgi.options import Choice, Flag, Number, NumberOrAuto, Seconds, Text, option_of

# A value for each kind that is no default.
TEXTS = {
    "bind": "::1",
    "port": "9000",
    "fd": "3",
    "endpoints": "tcp:8000",
    "access_log_format": "json",
    "trusted_proxies": "::1",
    "metrics": "127.0.0.1:9100",
    "proxy_protocol_from": "::1",
    "static": "/static/=.",
}


def given(field: dataclasses.Field[Any]) -> tuple[str, Any]:
    """Return a value for an option, and what the field then has."""
    match option_of(field):
        case Seconds():
            return "1.5", 1.5
        case Number(most=most) if most is not None:
            return str(most - 1), most - 1
        case Number() | NumberOrAuto():
            return "17", 17
        case Choice(choices=choices):
            other = next(word for word in choices if word != field.default)
            return other, other
        case Text(value_type=value_type, is_repeatable=is_repeatable):
            text = TEXTS.get(field.name, "some-text")
            return text, (text,) if is_repeatable else value_type(text)
    raise AssertionError(field)


def option_name(field: dataclasses.Field[Any]) -> str:
    return option_of(field).name or "--" + field.name.replace("_", "-")


# Option, value, field of Config, what the field then has. Flags and what needs another option are
# tested by themselves.
OPTIONS = [
    (option_name(field), given(field)[0], field.name, given(field)[1])
    for field in dataclasses.fields(Config)
    if not isinstance(option_of(field), Flag)
    and not field.name.startswith(("proxy_headers", "unix_socket_", "hub_"))
]


def config_of(*arguments: str) -> Config:
    """Return the Config that a command line gives."""
    settings: dict[str, Any] = main.make_context("casgi", [*arguments, "app:app"]).params
    for name in ("application", "app_dir", "log_fmt", "log_config"):
        del settings[name]
    return make_config(**settings)
