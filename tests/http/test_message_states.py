"""Every message an application can send, in every state of an HTTP response.

The table below is the specification. Outcomes:
- ok: accepted;
- invalid: the application gets an exception that is not an OSError, and nothing is sent;
- nothing: ignored or refused, but the wire does not change (ASGI: further messages are ignored).
"""

from typing import Any

import pytest
from support.apps import Gate, Journal, Message, Receive, Scope, Send, read_body
from support.raw import RawClient, request
from support.server import Serve

START: Message = {"type": "http.response.start", "status": 200}
PART: Message = {"type": "http.response.body", "body": b"part", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"end"}

STATES: dict[str, list[Message]] = {
    "before": [],
    "started": [START],
    "streaming": [START, PART],
    "complete": [START, END],
}

MESSAGES: dict[str, Any] = {
    "start": START,
    "part": PART,
    "end": END,
    "empty end": {"type": "http.response.body"},
    "body of text": {"type": "http.response.body", "body": "text"},
    "body of None": {"type": "http.response.body", "body": None},
    "start without status": {"type": "http.response.start"},
    "websocket.accept": {"type": "websocket.accept"},
    "websocket.send": {"type": "websocket.send", "text": "text"},
    "unknown type": {"type": "http.response.unknown"},
    "type is bytes": {"type": b"http.response.start", "status": 200},
    "no type": {"status": 200},
    "empty": {},
    "not a dict": "http.response.start",
    "None": None,
}

TABLE = """
                      before    started   streaming  complete  gone
start                 ok        invalid   invalid    nothing   ok
part                  invalid   ok        ok         nothing   ok
end                   invalid   ok        ok         nothing   ok
empty end             invalid   ok        ok         nothing   ok
body of text          invalid   invalid   invalid    nothing   nothing
body of None          invalid   ok        ok         nothing   ok
start without status  invalid   invalid   invalid    nothing   nothing
websocket.accept      invalid   invalid   invalid    nothing   nothing
websocket.send        invalid   invalid   invalid    nothing   nothing
unknown type          invalid   invalid   invalid    nothing   nothing
type is bytes         invalid   invalid   invalid    nothing   nothing
no type               invalid   invalid   invalid    nothing   nothing
empty                 invalid   invalid   invalid    nothing   nothing
not a dict            invalid   invalid   invalid    nothing   nothing
None                  invalid   invalid   invalid    nothing   nothing
"""


def cells() -> list[tuple[str, str, str]]:
    """Return state, message and outcome of every cell of the table."""
    head, *rows = TABLE.strip("\n").splitlines()
    states = head.split()
    found = []
    for row in rows:
        name, outcomes = row[:22].strip(), row[22:].split()
        found += [(state, name, wanted) for state, wanted in zip(states, outcomes, strict=True)]
    return found


IN_PLACE = [cell for cell in cells() if cell[0] != "gone"]
AFTERWARDS = [cell[1:] for cell in cells() if cell[0] == "gone"]


def test_table_is_whole() -> None:
    assert {name for _, name, _ in cells()} == set(MESSAGES)
    assert {state for state, _, _ in cells()} == {*STATES, "gone"}


async def try_to_send(send: Send, message: Any) -> str:
    """Send a message and say what became of it."""
    try:
        await send(message)
    except OSError:
        return "OSError"
    except Exception:
        return "invalid"
    return "ok"


@pytest.mark.parametrize(("state", "name", "wanted"), IN_PLACE)
def test_message(serve: Serve, state: str, name: str, wanted: str) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/next":
            await send(START)
            return await send(END)
        for message in STATES[state]:
            await send(message)
        journal.add(outcome := await try_to_send(send, MESSAGES[name]))
        await finish(send, state, name if outcome == "ok" else "")

    with serve(application).connect() as client:
        client.send(request() + request("/next"))
        response = client.read_response()
        outcome = journal.next()
        assert outcome == wanted or (wanted == "nothing" and outcome in ("ok", "invalid"))
        assert response.status == 200
        assert response.body == expected_body(state, name if wanted == "ok" else "")
        assert client.read_response().body == b"end"


async def finish(send: Send, state: str, accepted: str) -> None:
    """Send what is missing of the response."""
    if state == "complete" or accepted in ("end", "empty end", "body of None"):
        return
    if state == "before" and accepted != "start":
        await send(START)
    await send(END)


def expected_body(state: str, accepted: str) -> bytes:
    """Return the body that the accepted messages make."""
    before = b"part" if state == "streaming" else b""
    if state == "complete" or accepted == "end":
        return before + b"end"
    if accepted in ("empty end", "body of None"):
        return before
    return before + (b"partend" if accepted == "part" else b"end")


@pytest.mark.parametrize(("name", "wanted"), AFTERWARDS)
@pytest.mark.parametrize("begun", [False, True], ids=["before", "streaming"])
def test_message_after_the_client_left(serve: Serve, name: str, wanted: str, begun: bool) -> None:
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        if begun:
            await send(START)
            await send(PART)
        journal.add("ready")
        await gate.wait()
        journal.add((await receive())["type"])
        journal.add(await try_to_send(send, MESSAGES[name]))

    server = serve(application)
    client: RawClient = server.connect()
    client.send(request())
    assert journal.next() == "ready"
    client.reset()
    gate.open()
    assert journal.next() == "http.disconnect"
    outcome = journal.next()
    assert outcome == wanted or (wanted == "nothing" and outcome in ("ok", "invalid"))
    server.wait_idle()
