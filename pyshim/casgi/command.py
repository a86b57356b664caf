"""The command as click sees it: reads arguments, variables and a file, and writes `--help`.

A value comes from the command line, else from a CASGI_* variable, else from a file
(casgi.config_file), else it is the default. What is wrong with a variable or in a file is said in
one line that names it, and what may stand there.
"""

import os
from typing import Any

import click
from click.core import ParameterSource

from casgi.command_hints import too_many, with_hint
from casgi.command_options import SectionOption, section_of
from casgi.config_file import read_config_file
from casgi.errors import ConfigError
from casgi.options import Section
from casgi.signals_at_start import let_signals_end

_FILE_LABEL = "casgi.config_file"
_NEAREST_FIRST = (
    ParameterSource.COMMANDLINE,
    ParameterSource.ENVIRONMENT,
    ParameterSource.DEFAULT_MAP,
    ParameterSource.DEFAULT,
)


class Refusal(click.ClickException):
    """An error that is shown in one line, as those of the server's start are."""

    exit_code = ConfigError.exit_code

    def show(self, file: Any = None) -> None:
        """Write the line."""
        click.echo(f"casgi: {self.message}", file=file, err=True)


class SectionedCommand(click.Command):
    """A command whose `--help` is in sections, and which knows what other servers' options are.

    Attributes:
        subcommands: what is run instead when the first argument is one of these words.

    """

    allow_extra_args = True  # They are refused here.

    def __init__(self, *args: Any, **more: Any) -> None:
        """Take what click takes."""
        super().__init__(*args, **more)
        self.subcommands: dict[str, click.Command] = {}

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments, as the subcommand's if they begin with one."""
        subcommand = self.subcommands.get(args[0]) if args else None
        if subcommand is None:
            return super().make_context(info_name, args, parent, **extra)
        return subcommand.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)

    def invoke(self, context: click.Context) -> Any:
        """Run the command whose arguments were read."""
        if context.command is not self:
            let_signals_end()
            return context.command.invoke(context)
        return super().invoke(context)

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Read the arguments; say of an option that is not there what to write instead."""
        try:
            left = super().parse_args(context, arguments)
        except click.NoSuchOption as error:
            raise with_hint(error) from None
        except click.MissingParameter:
            raise
        except click.BadParameter as error:
            place = None if error.param is None else _place(context, error.param)
            if place is None:
                raise
            raise Refusal(f"{place}: {_what_is_allowed(error)}") from None
        if left and not context.resilient_parsing:  # as for what a shell completes
            raise too_many(left, context)
        for parameter in self.get_params(context):
            _check_setting(context, parameter)
            _let_nearest_win(context, parameter)
        return left

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each under the heading of its section."""
        for section in Section:
            options = [p for p in self.get_params(context) if section_of(p) is section]
            records = filter(None, (option.get_help_record(context) for option in options))
            if lines := list(records):
                with formatter.section(section.value):
                    formatter.write_dl(lines)
        if self.subcommands:
            commands = [
                (f"casgi {name}", each.help or "") for name, each in self.subcommands.items()
            ]
            with formatter.section("Other commands"):
                formatter.write_dl(commands)


def take_config_file(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Let a file say what the command line and the environment do not: the callback of --config."""
    try:
        file = read_config_file(path)
        if file is not None:
            context.default_map = file.values(context.command.get_params(context))
            context.meta[_FILE_LABEL] = file.label
    except ConfigError as error:
        raise Refusal(str(error)) from None


def variable_of(parameter: click.Parameter) -> str | None:
    """Return the variable of the environment that sets a parameter, None if there is none."""
    if isinstance(parameter.envvar, str):
        return parameter.envvar
    has_one = getattr(parameter, "allow_from_autoenv", False) and "--help" not in parameter.opts
    return f"CASGI_{parameter.name.upper()}" if has_one and parameter.name else None


def _place(context: click.Context, parameter: click.Parameter) -> str | None:
    """Return the variable or the file that a value came from; None for the command line."""
    source = context.get_parameter_source(parameter.name or "")
    if source is ParameterSource.ENVIRONMENT:
        return variable_of(parameter)
    if source is ParameterSource.DEFAULT_MAP:
        label: str = context.meta[_FILE_LABEL]
        return label
    return None


def _what_is_allowed(error: click.BadParameter) -> str:
    """Return what a value that click cannot read would have to be."""
    parameter, context = error.param, error.ctx
    assert parameter is not None
    assert context is not None
    if not (isinstance(parameter, SectionOption) and parameter.declared is not None):
        return f"{parameter.name}: {error.message}"
    value = (context.default_map or {}).get(parameter.name or "")
    if context.get_parameter_source(parameter.name or "") is ParameterSource.ENVIRONMENT:
        value = os.environ.get(variable_of(parameter) or "")
    return f"{parameter.name} must be {parameter.declared.allowed}, not {value!r}"


def _check_setting(context: click.Context, parameter: click.Parameter) -> None:
    """Check what came from a variable or a file, while it is known from where."""
    if not isinstance(parameter, SectionOption) or parameter.declared is None:
        return
    place = _place(context, parameter)
    if place is None:
        return
    try:
        parameter.declared.check(parameter.name or "", context.params[parameter.name or ""])
    except ConfigError as error:
        raise Refusal(f"{place}: {error}") from None


def _let_nearest_win(context: click.Context, parameter: click.Parameter) -> None:
    """Forget a no_... of a file when the variable or the command line says what, and so on."""
    name = parameter.name or ""
    other = name.removeprefix("no_")
    if other == name or other not in context.params:
        return
    sources = [context.get_parameter_source(each) for each in (name, other)]
    nearness = [_NEAREST_FIRST.index(source) for source in sources if source in _NEAREST_FIRST]
    if len(nearness) == 2 and nearness[1] < nearness[0]:
        context.params[name] = False
