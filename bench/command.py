"""The command line: measures each server in turn, round by round, and prints the table."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import bench
from bench import machine
from bench.errors import BenchError
from bench.process import Launch
from bench.report import Report
from bench.scenarios import SCENARIOS, Scenario
from bench.scenarios.scenario import positive
from bench.servers import SERVERS, Server, select

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Return 0 if every installed server was measured and did well, 1 if not, 2 if none was measured.
    """
    signal.signal(signal.SIGTERM, _exit_on_signal)
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(options: argparse.Namespace) -> int:
    scenarios: Sequence[Scenario] = options.scenario.from_options(options)
    servers = select(options.servers)
    cores = machine.choose_cores(options.server_core, options.client_core)
    reports: list[Report] = []
    failed = False
    for scenario in scenarios:
        report = Report(scenario, machine.describe(), cores, options.reference)
        failed |= not _fill(report, servers, options.rounds)
        print(
            report.text(with_machine=not reports), end="\n\n" if scenario != scenarios[-1] else "\n"
        )
        reports.append(report)
    if options.json is not None:
        documents = [report.document() for report in reports]
        options.json.write_text(json.dumps(documents, indent=2) + "\n")
    if not any(report.rounds for report in reports):
        return USAGE_ERROR
    return 1 if failed else 0


def _fill(report: Report, servers: Sequence[Server], rounds: int) -> bool:
    """Measure the servers in turn, round by round. Return whether all went well."""
    installed = _installed(servers, report)
    well = True
    for number in range(rounds):
        for server in [server for server in installed if server.name not in report.left_out]:
            _progress(f"{report.head()}: round {number + 1} of {rounds}: {server.name}")
            well &= _measure(server, report)
    _progress("")
    return well


def _measure(server: Server, report: Report) -> bool:
    """Add one round of one server to the report; leave out a server that fails, and say why."""
    scenario = report.scenario
    try:
        figures = scenario.measure(Launch(server, scenario.application_for(server), report.cores))
    except (BenchError, OSError) as error:
        report.left_out[server.name] = str(error)
        report.rounds.pop(server.name, None)
        return False
    report.rounds.setdefault(server.name, []).append(figures)
    failure = scenario.failure(figures)
    if failure is not None:
        report.failures[server.name] = failure
    return failure is None


def _installed(servers: Sequence[Server], report: Report) -> list[Server]:
    found = []
    for server in servers:
        version = server.version()
        if version is None:
            report.left_out[server.name] = "not installed"
        elif report.scenario.needs_websockets and not server.websockets:
            report.left_out[server.name] = "has no WebSocket"
        elif server.is_wsgi and report.scenario.wsgi_application is None:
            report.left_out[server.name] = "is for WSGI"
        else:
            report.versions[server.name] = version
            found.append(server)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=bench.__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    names = ",".join(server.name for server in SERVERS)
    for scenario in SCENARIOS:
        command = commands.add_parser(
            scenario.name,
            help=scenario.summary,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        command.set_defaults(scenario=scenario)
        scenario.add_options(command)
        command.add_argument(
            "--servers", metavar="LIST", default=scenario.servers, help=f"some of {names}"
        )
        command.add_argument(
            "--reference",
            metavar="SERVER",
            default=scenario.reference,
            help="whose figures are divided by those of the others",
        )
        command.add_argument("--rounds", type=positive, default=1, help="all servers in turn")
        command.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
        command.add_argument("--server-core", type=int, metavar="CORE")
        command.add_argument("--client-core", type=int, metavar="CORE")
    return parser


def _progress(line: str) -> None:
    """Show what runs now, to people only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    """End by an exception, so that the servers that were started are ended too."""
    sys.exit(128 + number)
