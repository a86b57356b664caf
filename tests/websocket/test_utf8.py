"""Text that is not UTF-8 is refused with 1007 at the byte where that becomes certain.

"At the byte" means: before the rest of the frame, or of the message, has come.
"""

import pytest
from support.apps import Journal, echo_websocket, recording_websocket
from support.server import Serve
from support.ws import BINARY, CONTINUATION, TEXT, encode_frame

BAD = {
    "lone continuation byte": b"\x80",
    "impossible byte": b"\xfe",
    "overlong of 2": b"\xc0\xaf",
    "overlong of 3": b"\xe0\x80\xaf",
    "overlong of 4": b"\xf0\x80\x80\xaf",
    "surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "broken in the middle": b"\xe4\xbdx",
}

GOOD = ["\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"]


@pytest.mark.parametrize("name", BAD)
def test_in_one_frame(serve: Serve, name: str) -> None:
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send_frame(TEXT, b"good " + BAD[name] + b" more")
        assert client.read_close()[0] == 1007
        client.assert_closed()
    assert journal.next()["type"] == "websocket.disconnect"


@pytest.mark.parametrize("name", BAD)
def test_across_fragments(serve: Serve, name: str) -> None:
    server = serve(echo_websocket)
    for cut in range(len(BAD[name])):
        with server.websocket() as client:
            client.send_frame(TEXT, b"good " + BAD[name][:cut], fin=False)
            client.send_frame(CONTINUATION, BAD[name][cut:] + b" more")
            assert client.read_close()[0] == 1007, cut
            client.assert_closed()


@pytest.mark.parametrize("name", BAD)
def test_before_the_message_is_whole(serve: Serve, name: str) -> None:
    """The message goes on after this fragment; the answer does not wait for it."""
    with serve(echo_websocket).websocket() as client:
        client.send_frame(TEXT, b"good " + BAD[name], fin=False)
        assert client.read_close()[0] == 1007
        client.assert_closed()


@pytest.mark.parametrize("name", BAD)
def test_before_the_frame_is_whole(serve: Serve, name: str) -> None:
    """The frame announces more bytes, which never come."""
    with serve(echo_websocket).websocket() as client:
        client.send(encode_frame(TEXT, b"good " + BAD[name], length=1000))
        assert client.read_close()[0] == 1007
        client.assert_closed()


def test_byte_by_byte(serve: Serve) -> None:
    """Nothing is refused before the bad byte, and the bad byte is enough."""
    wire = encode_frame(TEXT, "good é你😀".encode() + b"\xf4\x90", length=100)
    with serve(echo_websocket).websocket() as client:
        client.dribble(wire[:-1])
        assert client.is_silent(0.2)
        client.send(wire[-1:])
        assert client.read_close()[0] == 1007
        client.assert_closed()


@pytest.mark.parametrize("end", [b"\xc3", b"\xe4\xbd", b"\xf0\x9f\x98"])
def test_message_ends_within_a_character(serve: Serve, end: bytes) -> None:
    server = serve(echo_websocket)
    with server.websocket() as client:
        client.send_frame(TEXT, b"cut " + end)
        assert client.read_close()[0] == 1007
        client.assert_closed()
    with server.websocket() as client:
        client.send_frame(TEXT, b"cut " + end, fin=False)
        client.send_frame(CONTINUATION, b"")
        assert client.read_close()[0] == 1007
        client.assert_closed()


@pytest.mark.parametrize("character", GOOD)
def test_edges_that_are_good(serve: Serve, character: str) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send_text(character)
        assert client.read_text() == character
        client.send_frame(TEXT, character.encode()[:1], fin=False)
        client.send_frame(CONTINUATION, character.encode()[1:])
        assert client.read_text() == character


def test_binary_is_not_checked(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        for data in BAD.values():
            client.send_frame(BINARY, data)
            assert client.read_binary() == data


def test_state_of_the_check_is_new_for_each_message(serve: Serve) -> None:
    with serve(echo_websocket).websocket() as client:
        client.send_frame(BINARY, b"\xe4\xbd")
        client.send_text("a")
        assert client.read_binary() == b"\xe4\xbd"
        assert client.read_text() == "a"
