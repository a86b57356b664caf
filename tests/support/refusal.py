"""Checks that bytes which are no proper request are refused, and refused well."""

from support.apps import DEADLINE, Journal, Receive, Scope, Send, respond
from support.raw import Response
from support.server import LiveServer, Serve


def refuse(serve: Serve, data: bytes, *statuses: int, **options: object) -> Response:
    """Check that `data` gets one of these statuses, a close, and no application."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        await respond(send, b"accepted")

    server = serve(application, **options)
    response = refused_by(server, data, *statuses)
    assert journal.rest() == [], "the application was called"
    return response


def refused_by(server: LiveServer, data: bytes, *statuses: int) -> Response:
    """Check that the server answers `data` with one of these statuses and then closes."""
    with server.connect() as client:
        client.offer(data)
        response = client.read_response()
        assert response.status in statuses, response.raw
        assert response.header(b"connection") == b"close"
        client.assert_closed(DEADLINE)
    return response


def accept(serve: Serve, data: bytes, **options: object) -> Scope:
    """Check that `data` is a proper request, and return the scope that it makes."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        await respond(send, b"accepted")

    response = serve(application, **options).exchange(data)
    assert (response.status, response.body) == (200, b"accepted")
    scope = journal.next()
    assert isinstance(scope, dict)
    return scope
