"""Workers: how they are, and the end of one in good order."""

import click

from casgi.control.commands.command import Command, Head
from casgi.control.protocol import Arguments, Row


def _workers(head: Head, arguments: Arguments) -> list[Row]:
    return head.worker_rows()


def _drain(head: Head, arguments: Arguments) -> list[Row]:
    worker = int(arguments["worker"])
    head.drain(worker)
    return [{"worker": worker, "draining": True}]


WORKERS = Command(
    name="workers",
    help="List workers: connections, what they have counted, memory, how long they are held up.",
    columns=(
        "worker",
        "pid",
        "state",
        "age",
        "connections",
        "requests",
        "messages_in",
        "messages_out",
        "slow",
        "memory",
        "held_up",
    ),
    by_head=_workers,
)
DRAIN = Command(
    name="drain",
    help="Let another worker take the place of one, which ends without losing a request.",
    parameters=(click.Argument(["worker"], type=click.INT),),
    columns=("worker", "draining"),
    by_head=_drain,
)
