"""`--from-daphne`: the casgi command for a daphne command.

Nearly every option is the same. What is done here is what a shell's line needs: values stay as they
are written, quotes and variables included, so that the result can stand where the line stood, and
what stands before the command (`exec`, `poetry run`, DJANGO_SETTINGS_MODULE=...) stays before it.
A list of words in JSON, as the files of Docker and Kubernetes have it, becomes such a list.
"""

import argparse
import json
import re
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from casgi.endpoints import parse_endpoint
from casgi.errors import ConfigError

# A word of a shell's line: plain characters, escaped ones, and quoted parts.
_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""", re.DOTALL)
_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_OPERATORS = re.compile(r"[;&|<>]")
_VARIABLE = re.compile(r"[$`%]")
_BEFORE_AND_LIST = re.compile(r"([^\[]*)(\[.*\])\s*", re.DOTALL)
# Alone, in a path, or behind the = of a service's file.
_DAPHNE = re.compile(r"""(?:^|(?<=[/='"]))daphne(?=['"]?$)""")

_WITH_VALUE = [
    ("-p", "--port"),
    ("-b", "--bind"),
    ("-u", "--unix-socket"),
    ("--fd",),
    ("-e", "--endpoint"),
    ("-v", "--verbosity"),
    ("-t", "--http-timeout"),
    ("--websocket_timeout",),
    ("--websocket_connect_timeout",),
    ("--access-log",),
    ("--log-fmt",),
    ("--ping-interval",),
    ("--ping-timeout",),
    ("--websocket-max-message-size",),
    ("--websocket-max-frame-size",),
    ("--application-close-timeout",),
    ("--root-path",),
    ("--proxy-headers-host",),
    ("--proxy-headers-port",),
    ("-s", "--server-name"),
]
_FLAGS = ["--proxy-headers", "--no-server-name"]
_TEXTS = {"--bind", "--unix-socket", "--endpoint", "--access-log", "--log-fmt", "--root-path"} | {
    *["--proxy-headers-host", "--proxy-headers-port", "--server-name"],
}


def casgi_command(line: str) -> str:
    """Return the casgi command for a line with a daphne command, of a shell or as a list in JSON.

    Raise ConfigError that says what has no equal.
    """
    before, words = _listed(line)
    if words is None:
        return _shell_command(line)
    command = shlex.split(_shell_command(shlex.join(words)))
    return before + json.dumps(command, ensure_ascii=False)


def _listed(line: str) -> tuple[str, list[str] | None]:
    """Return what stands before a list of words in JSON, and the words; None if it is no such."""
    match = _BEFORE_AND_LIST.fullmatch(line)
    if match is None:
        return "", None
    try:
        words = json.loads(match[2])
    except ValueError:
        return "", None
    return match[1], words if all(isinstance(word, str) for word in words) else None


def _shell_command(line: str) -> str:
    before, arguments = _split(line)
    given = _parse(arguments)
    for option, value in given:
        _check(option, value)
    words = [part for option, value in given for part in _written(option, value)]
    return " ".join([*before, *words])


def _split(line: str) -> tuple[list[str], list[str]]:
    """Return the words up to the command, which is casgi now, and its arguments."""
    joined = line.replace("\\\n", " ").strip()
    words = _WORD.findall(joined)
    if _WORD.sub("", joined).strip():
        raise ConfigError("the quotes of the command do not match")
    places = [i for i, word in enumerate(words) if _DAPHNE.search(word)]
    # In `sudo -u daphne daphne` the first is the user that it runs as.
    place = next((i for i in places if i + 1 not in places), None)
    if place is None:
        raise ConfigError("there is no daphne in the command")
    arguments = words[place + 1 :]
    for word in arguments:
        if _OPERATORS.search(_QUOTED.sub("", word)):
            raise ConfigError(f"{word} is for the shell: give the command without it")
    return [*words[:place], _DAPHNE.sub("casgi", words[place])], arguments


class _Keep(argparse.Action):
    """Keeps options in their order, as they are written."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        value = values if isinstance(values, str) else None
        namespace.given.append((self.option_strings[-1] if option_string else "", value))


class _DaphneParser(argparse.ArgumentParser):
    """Reads words as daphne's own parser does: shortened options, -p8000 and --port=8000."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message.replace("unrecognized arguments", "daphne has no such arguments"))


def _parse(arguments: list[str]) -> list[tuple[str, str | None]]:
    """Return pairs of option and value, and "" with the application, all in daphne's full names."""
    parser = _DaphneParser(add_help=False)
    for names in _WITH_VALUE:
        parser.add_argument(*names, action=_Keep, dest="kept")
    for flag in _FLAGS:
        parser.add_argument(flag, action=_Keep, dest="kept", nargs=0)
    parser.add_argument("application", action=_Keep)
    namespace = argparse.Namespace(given=[])
    parser.parse_args(arguments, namespace)
    given: list[tuple[str, str | None]] = namespace.given
    return given


def _check(option: str, value: str | None) -> None:
    """Raise ConfigError for a value that casgi does not take, as far as it can be seen already."""
    if value is None or not option or _VARIABLE.search(value):
        return
    text = "".join(shlex.split(value))
    if option == "--endpoint":
        parse_endpoint(text)
    elif option not in _TEXTS and not re.fullmatch(r"-?[0-9]+", text):
        raise ConfigError(f"{option} takes a whole number for daphne, not {text!r}")


def _written(option: str, value: str | None) -> list[str]:
    """Return the words of an option for casgi."""
    words = [option.replace("_", "-")] if option else []
    return words if value is None else [*words, value or "''"]
