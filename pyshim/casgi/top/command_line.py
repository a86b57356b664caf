"""`casgi top`: draws, or with --once and --json prints, what a server's control socket says."""

import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from casgi.command import Refusal
from casgi.control.command_line import Failure, control_option, control_path
from casgi.control.protocol import ControlError
from casgi.top.report import as_json, as_text
from casgi.top.sampling import Sample, Sampler
from casgi.top.views import VIEWS, WORKERS

_PRINTED = [name for name in VIEWS if name != "limits"]
_FEW_ROWS = 10
_ROWS = 200
_INTERVAL = 1.0
_DAY = 86_400.0


class _Seconds(click.FloatRange):
    """From a tenth to a day; click's own range takes what is no number."""

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        """Return the number, or fail with what it may be."""
        seconds: float = super().convert(value, parameter, context)
        if math.isnan(seconds):
            self.fail(f"{value} is not in the range {self._describe_range()}.", parameter, context)
        return seconds


def _run(
    view: str, control: str | None, interval: float, most: int | None, *, once: bool, json: bool
) -> None:
    path = control_path(control)
    if once or json:
        try:
            _print(Sampler(path, most or _FEW_ROWS), interval, once=once, json=json)
        except ControlError as error:
            raise Failure(str(error)) from None
        return
    try:
        from casgi.top.app import TopApp
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("rich", "textual"):
            raise
        raise Refusal(
            "casgi top needs Textual: pip install 'textual>=8'; --once and --json do without it"
        ) from None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Refusal("casgi top draws on a terminal: --once or --json prints instead")
    TopApp(Sampler(path, most or _ROWS), interval, view).run()


def _print(sampler: Sampler, interval: float, *, once: bool, json: bool) -> None:
    """Print a sample and what has changed within the interval before it; again until Ctrl-C."""
    for before, sample in _pairs(sampler, interval):
        lines = [as_json(sample, before)] if json else as_text(sample, before)
        click.echo("\n".join(lines))
        for line in sample.silent:
            click.echo(f"casgi: {line}", err=True)
        if once:
            break


def _pairs(sampler: Sampler, interval: float) -> Iterator[tuple[Sample, Sample]]:
    before = sampler.sample(_PRINTED)
    while True:
        time.sleep(interval)
        sample = sampler.sample(_PRINTED)
        yield before, sample
        before = sample


def top_command() -> click.Command:
    """Return `casgi top`."""
    parameters: list[click.Parameter] = [
        click.Argument(["view"], type=click.Choice(list(VIEWS)), default=WORKERS.name),
        control_option(),
        click.Option(
            ["--interval"],
            type=_Seconds(0.1, _DAY),
            default=_INTERVAL,
            show_default=True,
            help="Seconds between two looks.",
        ),
        click.Option(
            ["--most"],
            type=click.IntRange(1),
            help=f"Rows of a table at most. [default: {_ROWS}, or {_FEW_ROWS} where it prints]",
        ),
        click.Option(["--once"], is_flag=True, help="Print all tables once instead of drawing."),
        click.Option(["--json"], is_flag=True, help="Print objects, one a line, until Ctrl-C."),
    ]
    return click.Command(
        "top",
        help="Show a running server live in the terminal, by its control socket (--control).",
        params=parameters,
        callback=_command,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _command(**arguments: Any) -> None:
    try:
        _run(**arguments)
    except KeyboardInterrupt:
        sys.exit(0)
