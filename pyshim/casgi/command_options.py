"""The command's options for click: the fields of Config, each with its section of `--help`."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from casgi.config import Config
from casgi.options import (
    Choice,
    Flag,
    Number,
    NumberOrAuto,
    Option,
    Seconds,
    Section,
    Text,
    option_of,
)

_OF_FILES = ("FILE", "PATH")

Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]


def number_or_auto(value: Any) -> Any:
    """Return a number for digits; what a text may be, the field's check knows."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else text


class SectionOption(click.Option):
    """An option that `--help` lists in a section."""

    def __init__(
        self,
        *args: Any,
        section: Section = Section.OTHER,
        declared: Option | None = None,
        separator: str | None = None,
        **more: Any,
    ) -> None:
        """Take the section, what a field of Config declares, and what click takes."""
        super().__init__(*args, **more)
        self.section = section
        self.declared = declared
        self.separator = separator


def section_of(parameter: click.Parameter) -> Section | None:
    """Return where `--help` lists a parameter; None for an argument."""
    if not isinstance(parameter, click.Option):
        return None
    return parameter.section if isinstance(parameter, SectionOption) else Section.OTHER


def option(section: Section, *names: str, **attributes: Any) -> Decorator:
    """Declare an option that is no field of Config."""
    return click.option(*names, cls=SectionOption, section=section, **attributes)


def settings(command: Callable[..., None]) -> Callable[..., None]:
    """Declare an option for each field of Config."""
    # Decorators apply from the bottom up.
    for field in reversed(fields(Config)):
        declared = option_of(field)
        attributes = _attributes(field)
        declare = option(declared.section, *_names(field), declared=declared, **attributes)
        command = declare(command)
    return command


def _names(field: Field[Any]) -> list[str]:
    """Return click's names: that of the parameter, and the spellings."""
    declared = option_of(field)
    long = declared.name or "--" + field.name.replace("_", "-")
    if isinstance(declared, Flag) and declared.has_opposite:
        long += f"/--no-{long[2:]}"
    return [field.name, *([declared.short] if declared.short else []), long]


def _attributes(field: Field[Any]) -> dict[str, Any]:
    """Return what else click is told."""
    declared = option_of(field)
    attributes: dict[str, Any] = {
        "help": declared.help,
        "default": field.default,
        "show_default": field.default not in (None, "", (), False),
        "metavar": declared.metavar,
    }
    match declared:
        case Seconds():
            attributes |= _of_seconds(declared, field.default)
        case Number():
            attributes |= {"type": click.INT}
        case NumberOrAuto():
            attributes |= {"type": number_or_auto, "metavar": "NUMBER|auto"}
        case Choice():
            attributes |= {"type": click.Choice(declared.choices)}
        case Flag():
            attributes |= {"is_flag": True}
        case Text():
            attributes |= {"type": declared.value_type, "multiple": declared.is_repeatable}
            attributes |= {"separator": declared.separator}
            if declared.empty_is_none:
                attributes |= {"callback": _none_if_empty}
    if declared.metavar in _OF_FILES:
        attributes["shell_complete"] = _complete_files
    if declared.name is not None:
        attributes["envvar"] = "CASGI_" + declared.name.strip("-").replace("-", "_").upper()
    return attributes


def _of_seconds(declared: Seconds, default: Any) -> dict[str, Any]:
    def none_if_never(context: object, parameter: object, value: float | None) -> float | None:
        return None if value is None or declared.is_never(value) else value

    return {
        "type": click.FLOAT,
        "callback": none_if_never,
        "metavar": "SECONDS",
        "default": None if default is None else f"{default:g}",
        "show_default": "never" if default is None else True,
    }


def _none_if_empty(context: object, parameter: object, value: str | None) -> str | None:
    return value or None


def _complete_files(context: object, parameter: object, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]
