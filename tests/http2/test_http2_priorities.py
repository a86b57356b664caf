"""Priorities of RFC 9218: of what waits for the connection's window, the urgent leaves first."""

from support.apps import Journal, Receive, Scope, Send, respond
from support.http2 import Http2Client, frame
from support.server import Serve

PRIORITY_UPDATE = 16
WINDOW = 65535
SIZE = 40_000  # of a body, within the window of a stream


def order(serve: Serve, priorities: list[str], update: int | None = None) -> list[int]:
    """Return the numbers of the responses in the order in which they are sent."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        filler = scope["path"] == "/filler"
        await respond(send, b"x" * (WINDOW if filler else SIZE))
        journal.add("sent")

    client = Http2Client(serve(application).connect())
    client.until(lambda: client.settings_seen)
    client.give_back_connection = False
    assert len(client.get("/filler").body) == WINDOW
    streams = [client.request(headers=[("priority", each)]) for each in priorities]
    for _ in [*streams, "/filler"]:
        journal.next()
    if update is not None:
        payload = streams[update].to_bytes(4) + b"u=0"
        client.raw.send(frame(PRIORITY_UPDATE, 0, 0, payload))
    ended: list[int] = []
    for number in range(len(streams)):
        client.h2.increment_flow_control_window(SIZE)
        client.flush()
        client.until(lambda: sum(map(client.has_ended, streams)) > number)  # noqa: B023
        ended += [n for n, each in enumerate(streams) if client.has_ended(each) and n not in ended]
    return ended


def test_what_is_urgent_leaves_first(serve: Serve) -> None:
    assert order(serve, ["u=5", "u=3", "u=1"]) == [2, 1, 0]


def test_an_update_counts(serve: Serve) -> None:
    assert order(serve, ["u=5", "u=3", "u=1"], update=0) == [0, 2, 1]
