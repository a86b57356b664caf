"""`[tool.casgi]` in pyproject.toml, or the TOML file that `--config` names.

Its keys are the options' own names: what may stand there is read from the command's declarations.
Only names and TOML's types are looked at here; the values then take the way of the command line's.
"""

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from casgi.command_hints import normal_name
from casgi.command_options import number_or_auto
from casgi.errors import ConfigError

_PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that was read.

    Attributes:
        label: how messages name it, "pyproject.toml, [tool.casgi]".
        table: its keys and values.

    """

    label: str
    table: dict[str, Any]

    def values(self, parameters: Sequence[click.Parameter]) -> dict[str, Any]:
        """Return the values by parameter; raise ConfigError for other keys and types."""
        known = {key: one for one in parameters if one.expose_value for key in _keys(one)}
        values: dict[str, Any] = {}
        for key, value in self.table.items():
            parameter = known.get(normal_name(key))
            if parameter is None or parameter.name is None:
                raise ConfigError(f"{self.label}: there is no option {key}{_near(key, known)}")
            if parameter.name in values:
                raise ConfigError(f"{self.label}: {key} is there twice, in two spellings")
            values[parameter.name] = self._value(key, parameter, value)
        return values

    def _value(self, key: str, parameter: click.Parameter, value: Any) -> Any:
        kind, name = _toml_type(parameter)
        is_list = getattr(parameter, "multiple", False) or getattr(parameter, "separator", None)
        ones = value if isinstance(value, list) and is_list else [value]
        for one in ones:
            if not isinstance(one, kind) or (isinstance(one, bool) and kind is not bool):
                what = f"{name}, or a list of them" if is_list else name
                raise ConfigError(f"{self.label}: {key} must be {what}, not {_written(one)}")
        if getattr(parameter, "multiple", False):
            return ones
        return getattr(parameter, "separator", "").join(ones) if is_list else value


def read_config_file(path: str | None) -> ConfigFile | None:
    """Return the file of this path, or the current folder's pyproject.toml if that has a table.

    Raise ConfigError if it cannot be read, or is not TOML.
    """
    name = _PYPROJECT if path is None else path
    if path is None and not Path(_PYPROJECT).exists():
        return None
    try:
        content = tomllib.loads(Path(name).read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}{_instead(path)}") from None
    except ValueError as error:
        raise ConfigError(f"{name} is not TOML: {error}{_instead(path)}") from None
    tool = content.get("tool")
    table = tool.get("casgi") if isinstance(tool, dict) else None
    if table is None and Path(name).name != _PYPROJECT:
        return ConfigFile(name, content)
    if table is None:
        if path is not None:
            raise ConfigError(f"{name} has no table [tool.casgi]")
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{name}: tool.casgi must be a table, not {_written(table)}")
    return ConfigFile(f"{name}, [tool.casgi]", table)


def _keys(parameter: click.Parameter) -> Iterable[str]:
    """Return how a parameter can be called, spelled as normal_name() does."""
    spellings = [name[2:] for name in parameter.opts if name.startswith("--")]
    return {normal_name(name) for name in [*spellings, parameter.name or ""]}


def _near(key: str, known: dict[str, click.Parameter]) -> str:
    """Return a question with what may have been meant."""
    near = difflib.get_close_matches(normal_name(key).removeprefix("no-"), known, 1)
    return f": did you mean {near[0].replace('-', '_')}?" if near else ""


def _instead(path: str | None) -> str:
    return "" if path is not None else " (--config FILE reads another)"


def _toml_type(parameter: click.Parameter) -> tuple[Any, str]:
    """Return the Python types that a value may have, and their name in TOML's words."""
    if getattr(parameter, "is_flag", False):
        return bool, "true or false"
    if getattr(parameter.type, "func", None) is number_or_auto:
        return (int, str), 'a whole number, or "auto"'
    if isinstance(parameter.type, type(click.INT)):
        return int, "a whole number"
    if isinstance(parameter.type, type(click.FLOAT)):
        return (int, float), "a number"
    return str, "a text in quotes"


def _written(value: Any) -> str:
    """Return a value about as TOML has it."""
    if isinstance(value, dict):
        return "a table"
    return str(value).lower() if isinstance(value, bool) else repr(value)
