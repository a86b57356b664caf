"""Every message an application can send, in every state of a WebSocket and from any task.

The table is the specification. Outcomes:
- ok: accepted;
- invalid: the application gets an exception that is not an OSError, and nothing changes;
- gone: the application gets ClientDisconnected (ASGI 2.4);
- error: either of the two; the message makes no sense and comes too late as well.

The states:
- connecting: `websocket.connect` was received;
- accepted: the WebSocket is open;
- denying: `websocket.http.response.start` was sent, and no body yet;
- denied: closed before it was accepted;
- answered: a denial response was sent as a whole;
- closing: the application has closed, the client has not answered;
- closed: the client has answered that, the disconnect was received;
- left: the client has closed, the disconnect was received;
- lost: the connection was reset, the disconnect was received;
- lost early: the same before it was accepted.
"""

import asyncio
from typing import Any

import pytest
from support.apps import Application, Journal, Message, Receive, Scope, Send
from support.engines import ClientDisconnected
from support.server import Serve
from support.ws import WebSocketClient, upgrade

ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close", "code": 4000}
START: Message = {"type": "websocket.http.response.start", "status": 401}
BODY: Message = {"type": "websocket.http.response.body", "body": b"no"}

MESSAGES: dict[str, Any] = {
    "accept": ACCEPT,
    "send text": {"type": "websocket.send", "text": "text"},
    "send bytes": {"type": "websocket.send", "bytes": b"bytes"},
    "close": CLOSE,
    "response start": START,
    "response body": BODY,
    "send nothing": {"type": "websocket.send"},
    "send two Nones": {"type": "websocket.send", "text": None, "bytes": None},
    "send both": {"type": "websocket.send", "text": "text", "bytes": b"bytes"},
    "send bytes as text": {"type": "websocket.send", "text": b"bytes"},
    "send text as bytes": {"type": "websocket.send", "bytes": "text"},
    "http start": {"type": "http.response.start", "status": 200},
    "http body": {"type": "http.response.body", "body": b"body"},
    "receive": {"type": "websocket.receive", "text": "text"},
    "unknown type": {"type": "websocket.unknown"},
    "no type": {"text": "text"},
    "not a dict": ["websocket.send"],
}

TABLE = """
                    connecting accepted denying denied answered closing closed left lost lost-early
accept              ok         invalid  error   error  error    error   error  error error gone
send text           invalid    ok       error   gone   gone     gone    gone   gone gone gone
send bytes          invalid    ok       error   gone   gone     gone    gone   gone gone gone
close               ok         ok       error   gone   gone     gone    gone   gone gone gone
response start      ok         invalid  error   error  error    error   error  error error gone
response body       invalid    invalid  ok      error  error    error   error  error error error
send nothing        invalid    invalid  error   error  error    error   error  error error error
send two Nones      invalid    invalid  error   error  error    error   error  error error error
send both           invalid    invalid  error   error  error    error   error  error error error
send bytes as text  invalid    invalid  error   error  error    error   error  error error error
send text as bytes  invalid    invalid  error   error  error    error   error  error error error
http start          invalid    invalid  error   error  error    error   error  error error error
http body           invalid    invalid  error   error  error    error   error  error error error
receive             invalid    invalid  error   error  error    error   error  error error error
unknown type        invalid    invalid  error   error  error    error   error  error error error
no type             invalid    invalid  error   error  error    error   error  error error error
not a dict          invalid    invalid  error   error  error    error   error  error error error
"""

SENT_BEFORE: dict[str, list[Message]] = {
    "connecting": [],
    "accepted": [ACCEPT],
    "denying": [START],
    "denied": [CLOSE],
    "answered": [START, BODY],
    "closing": [ACCEPT, CLOSE],
    "closed": [ACCEPT, CLOSE],
    "left": [ACCEPT],
    "lost": [ACCEPT],
    "lost-early": [],
}
AFTER_THE_DISCONNECT = ("closed", "left", "lost", "lost-early")


def cells() -> list[tuple[str, str, str]]:
    """Return state, message and outcome of every cell of the table."""
    head, *rows = TABLE.strip("\n").splitlines()
    states = head.split()
    found = []
    for row in rows:
        name, outcomes = row[:20].strip(), row[20:].split()
        found += [(state, name, wanted) for state, wanted in zip(states, outcomes, strict=True)]
    return found


def test_table_is_whole() -> None:
    assert {name for _, name, _ in cells()} == set(MESSAGES)
    assert {state for state, _, _ in cells()} == set(SENT_BEFORE)


async def try_to_send(send: Send, message: Any) -> str:
    """Send a message and say what became of it."""
    try:
        await send(message)
    except ClientDisconnected:
        return "gone"
    except OSError:
        return "OSError"
    except Exception:
        return "invalid"
    return "ok"


def application_for(state: str, name: str, other_task: bool, journal: Journal) -> Application:
    """Return an application that comes into the state and tries the message there."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        for message in SENT_BEFORE[state]:
            await send(message)
        journal.add("ready")
        if state in AFTER_THE_DISCONNECT:
            journal.add((await receive())["type"])
        trying = try_to_send(send, MESSAGES[name])
        outcome = await (asyncio.create_task(trying) if other_task else trying)
        journal.add(outcome)
        await wind_up(receive, send, state, name if outcome == "ok" else "")

    return application


async def wind_up(receive: Receive, send: Send, state: str, accepted: str) -> None:
    """Bring the WebSocket to its end in good order, whatever state it is in now."""
    if state == "connecting" and accepted not in ("accept", "close", "response start"):
        await send(CLOSE)
    elif accepted == "response start" or (state == "denying" and accepted != "response body"):
        await send(BODY)
    elif accepted == "accept" or (state == "accepted" and accepted != "close"):
        await receive()


def go_along(client: WebSocketClient, state: str) -> None:
    """Do the client's part of coming into the state."""
    if state == "lost-early":
        return client.reset()
    if state in ("closed", "left", "lost"):
        client.read_accept()
    if state == "closed":
        client.finish_close()
    elif state == "left":
        client.send_close(3000)
    elif state == "lost":
        client.reset()


@pytest.mark.parametrize("other_task", [False, True], ids=["own", "other"])
@pytest.mark.parametrize(("state", "name", "wanted"), cells())
def test_message(serve: Serve, state: str, name: str, wanted: str, other_task: bool) -> None:
    journal = Journal()
    server = serve(application_for(state, name, other_task, journal))
    client = server.websocket_connect()
    client.send(upgrade())
    assert journal.next() == "ready"
    go_along(client, state)
    if state in AFTER_THE_DISCONNECT:
        assert journal.next() == "websocket.disconnect"
    outcome = journal.next()
    assert outcome == wanted or (wanted == "error" and outcome in ("gone", "invalid"))
    client.close()
    server.wait_idle()
