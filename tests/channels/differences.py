"""Where casgi answers otherwise than daphne on purpose: both answers, and the reason."""

from __future__ import annotations

from typing import Any, NamedTuple

from support.ws import BINARY, CLOSE, TEXT, Frame, close_payload


class Difference(NamedTuple):
    """What daphne answers, what casgi answers, and why that is better."""

    daphne: Any
    casgi: Any
    reason: str


def closed(code: int, reason: str = "") -> Frame:
    """Return the close frame that a client gets."""
    return Frame(CLOSE, close_payload(code, reason))


def violated(code: int) -> Difference:
    """Return the difference in what follows a violation."""
    return Difference(
        (b"", [["disconnect", 1006]]),
        (b"\x88\x02" + close_payload(code), [["disconnect", code]]),
        "RFC 6455 section 7.1.7: the client is told why, and so is the consumer",
    )


ANY: Any = object()
"""Stands for an answer that is not compared: daphne's, where it only shows how it fails."""

LOGGED = [
    '"GET /hello/?a=%20b" 200 5',
    '"HEAD /hello/" 200 -',
    '"GET /nowhere/" 404 179',
    '"WSCONNECTING /ws/echo/" - -',
    '"WSCONNECT /ws/echo/" - -',
    '"WSDISCONNECT /ws/echo/" - -',
    '"WSCONNECTING /ws/connecting/reject/" - -',
    '"WSREJECT /ws/connecting/reject/" - -',
]

DIFFERENCES: dict[str, Difference] = {
    "path_utf8_raw": Difference(ANY, ANY, "both refuse it; the answer says why"),
    "absolute_form": Difference(ANY, ANY, "RFC 9112 section 3.2.2: a server must accept it"),
    "framing_of_204": Difference(
        {"chunked": None, "length": b"0", "connection": b""},
        {"chunked": None, "length": None, "connection": b""},
        "RFC 9110 section 8.6: no Content-Length with 204",
    ),
    "framing_of_a_whole_body_without_length": Difference(ANY, ANY, "the length is known"),
    "order_of_repeated_headers": Difference(ANY, ANY, "ASGI: headers in the order they came in"),
    "context_of_a_request": Difference(
        [b"0", b"1", b"2"], [b"0", b"0", b"0"], "context variables do not leak between requests"
    ),
    "echo_of_nothing": Difference(
        [Frame(TEXT, b"end")],
        [Frame(TEXT), Frame(BINARY), Frame(TEXT, b"end")],
        "an empty message is a message",
    ),
    "big_message_of_the_consumer": Difference(CLOSE, BINARY, "the limit is on what comes in"),
    "too_big_a_message": violated(1009),
    "too_big_a_message_in_fragments": violated(1009),
    "text_that_is_not_utf8": violated(1007),
    "frame_without_mask": violated(1002),
    "reserved_opcode": violated(1002),
    "close_code_that_may_not_be_sent": violated(1002),
    "frames_with_the_handshake": Difference("lost", ("early", "bird"), "nothing is lost"),
    "handshake_of_wrong_version": Difference(
        b"HTTP/1.1 400", b"HTTP/1.1 426", "RFC 6455 section 4.4, with the version spoken"
    ),
    "close_behind_accept": Difference(
        ((4000, ""), [["disconnect", 4000]]),
        ((4000, "enough"), [["disconnect", 4000]]),
        "the reason reaches the client",
    ),
    "accept_headers": Difference((None, None), (b"yes", b"a=1"), "ASGI: headers of an accept"),
    "scope_beyond_daphne": Difference(
        ([None, None], None), (["ws", "1.1"], "2.5"), "what ASGI 2.5 has in a scope"
    ),
    "scope_of_repeated_headers": Difference(
        [["tuple", "b:x-one", "b:1,2"]],
        [["tuple", "b:x-one", "b:1"], ["tuple", "b:x-one", "b:2"]],
        "headers as they came in",
    ),
    "client_closes_empty": Difference(
        [["disconnect", None]], [["disconnect", 1005]], "RFC 6455 section 7.1.5, and ASGI's default"
    ),
    "consumer_closes_with_reason": Difference(
        ([closed(4321)], [["disconnect", 4321]]),
        ([closed(4321, "enough")], [["disconnect", 4321]]),
        "the reason reaches the client",
    ),
    "consumer_sends_after_close": Difference(
        ([closed(4001)], []),
        ([closed(4001)], [["survived"], ["disconnect", 4001]]),
        "daphne raises and never disconnects the consumer: channels issues 1466 and 1820",
    ),
    "client_answers_with_another_code": Difference(
        [["disconnect", 1000]], [["disconnect", 4321]], "the application's own code"
    ),
    "code_that_answers_a_close": Difference(
        [(1000, "")] * 4,
        [(1000, ""), (1001, ""), (4999, ""), (None, "")],
        "RFC 6455 section 5.5.1: a close frame is answered with its own code",
    ),
    "consumer_stops": Difference(
        "open", (1011, ""), "nobody is there for what the client sends: it is told so"
    ),
    "crash_in_a_stream": Difference(
        (b"HTTP/1.1 200 OK\r\n", "open"),
        (b"HTTP/1.1 200 OK\r\n", "cut"),
        "a client must not wait for ever for the rest of a broken response",
    ),
    "crash_in_a_consumer": Difference(
        (b"HTTP/1.1 200 OK\r\n", "open"), (b"HTTP/1.1 200 OK\r\n", "cut"), "as above"
    ),
    "consumer_without_an_answer": Difference("open", 500, "a request is answered"),
    "access_log": Difference(
        [*LOGGED, '"WSDISCONNECT /ws/connecting/reject/" - -'],
        [*LOGGED, '"GET /ws/connecting/reject/" 403 -'],
        "a refused handshake is an HTTP response, with a status to look for",
    ),
    "shutdown_with_open_sockets": Difference(
        (b"", True, 0), (b"\x88\x02" + close_payload(1012), True, 0), "1012: service restart"
    ),
    "websocket_connect_timeout": Difference(
        (b"", [["waiting"], ["disconnect", 1006]]),
        (b"HTTP/1.1 403", [["waiting"], ["disconnect", 1006]]),
        "a handshake is answered",
    ),
}
