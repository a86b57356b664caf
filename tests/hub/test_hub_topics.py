"""What the hub does with topics and channels, over its wire."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest
from core_peer import CorePeer, MakePeer

from casgi import _core

LARGE = 5 * 1024 * 1024
FULL, HUB_FULL, NOBODY = 1, 2, 3


def test_a_topic_reaches_those_who_have_announced_it(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender, member, stranger = make_peer(), make_peer(), make_peer(b"other project")
    for peer in (sender, member, stranger):
        peer.wait(peer.client.announce(b"room"))
    sender.wait(sender.client.publish(b"room", b"one"))
    sender.wait(sender.client.publish(b"elsewhere", b"two"))
    member.wait(member.client.withdraw(b"room"))
    sender.wait(sender.client.publish(b"room", b"three"))
    for peer in (sender, member, stranger):
        peer.synchronize()
    assert member.heard == [(b"room", b"one")]
    assert sender.heard == stranger.heard == []
    assert hub.metrics()["topics"] == 2


def test_order_of_each_sender_is_kept(hub: _core.Hub, make_peer: MakePeer) -> None:
    member = make_peer()
    member.wait(member.client.announce(b"room"))
    senders = [make_peer() for _ in range(4)]
    count = 5000
    for number in range(count):
        for index, sender in enumerate(senders):
            last = sender.client.publish(b"room", b"%d %d" % (index, number))
            if last < 0 or number % 500 == 0:
                sender.synchronize()
            if last < 0:
                sender.wait(sender.client.publish(b"room", b"%d %d" % (index, number)))
    for sender in senders:
        sender.synchronize()
    member.until(lambda: len(member.heard) == 4 * count)
    for index in range(4):
        mine = [payload for _, payload in member.heard if payload.startswith(b"%d " % index)]
        assert mine == [b"%d %d" % (index, number) for number in range(count)]


def test_a_large_message_lets_others_through(hub: _core.Hub, make_peer: MakePeer) -> None:
    slow, quick, member = make_peer(), make_peer(), make_peer()
    member.wait(member.client.announce(b"room"))
    quick.synchronize()
    large = os.urandom(LARGE)
    last = slow.client.publish(b"room", large)
    slow.client.turn(0)
    quick.wait(quick.client.publish(b"room", b"quick"))
    while slow.client.acked < last:
        slow.client.turn(0.001)
        member.client.turn(0.001)
    member.until(lambda: len(member.heard) == 2)
    assert sorted(payload for _, payload in member.heard) == sorted([large, b"quick"])
    with pytest.raises(ValueError, match="too large"):
        slow.client.publish(b"room", bytes(17 * 1024 * 1024))
    with pytest.raises(ValueError, match="too large"):
        slow.client.announce(bytes(70000))


def test_nobody_there_is_said_on_request(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender = make_peer()
    sender.wait(sender.client.announce(b"room"))
    sender.wait(sender.client.publish(b"room", b"text"))
    last = sender.client.publish(b"room", b"text", True)
    sender.wait(last)
    assert sender.failures == [(last, NOBODY)]


def test_a_channel_gives_each_message_to_one(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender, one, other = make_peer(), make_peer(), make_peer()
    sender.wait(sender.client.send(b"work", b"early", 1, 60000))
    last = sender.client.send(b"work", b"too much", 1, 60000)
    sender.wait(last)
    assert sender.failures == [(last, FULL)]
    one.wait(one.client.receive(b"work"))
    one.wait(one.client.receive(b"work"))
    other.wait(other.client.receive(b"work"))
    for text in (b"a", b"b", b"c"):
        sender.wait(sender.client.send(b"work", text, 1, 60000))
    one.synchronize()
    other.synchronize()
    assert one.heard == [(b"work", b"early"), (b"work", b"a")]
    assert other.heard == [(b"work", b"b")]
    other.wait(other.client.abandon(b"work"))
    large = os.urandom(LARGE)
    one.wait(one.client.receive(b"work"))
    one.synchronize()
    last = sender.client.send(b"work", large, 9, 60000)
    while sender.client.acked < last:
        sender.client.turn(0.001)
        one.client.turn(0.001)
    one.until(lambda: len(one.heard) == 3)
    assert one.heard[2] == (b"work", b"c")


def test_a_peer_that_dies_takes_its_own_only(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender, member, dying = make_peer(), make_peer(), make_peer()
    for peer in (member, dying):
        peer.wait(peer.client.announce(b"room"))
    dying.wait(dying.client.receive(b"work"))
    dying.client.close()
    sender.wait(sender.client.publish(b"room", b"text"))
    sender.wait(sender.client.send(b"work", b"job", 1, 60000))
    member.wait(member.client.receive(b"work"))
    member.synchronize()
    assert member.heard == [(b"room", b"text"), (b"work", b"job")]
    assert hub.metrics()["topics"] == 1


def test_a_sender_that_dies_half_way_leaves_nothing(hub: _core.Hub, path: str) -> None:
    member = CorePeer(path)
    member.wait(member.client.announce(b"room"))
    with socket.socket(socket.AF_UNIX) as dying:
        dying.connect(path)
        dying.sendall(frame(1, b"project", number=1) + frame(4, b"room", b"half", flags=1))
        assert dying.recv(12)
    member.synchronize()
    member.synchronize()
    assert member.heard == []
    member.client.close()


@pytest.mark.parametrize(
    "wire",
    [b"GET / HTTP/1.1\r\n\r\n", struct.pack("<IBBHI", 2**31, 4, 0, 4, 0), b"\0" * 64],
    ids=["http", "large", "zeros"],
)
def test_who_speaks_something_else_is_left(hub: _core.Hub, path: str, wire: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(path)
        stranger.sendall(wire)
        stranger.shutdown(socket.SHUT_WR)
        assert stranger.recv(1) == b""


def test_another_version_is_refused_with_the_reason(hub: _core.Hub, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(path)
        stranger.sendall(frame(1, b"project", number=99))
        answer = stranger.recv(4096)
    assert answer[4] == 66
    assert b"version 1 of the protocol, this process version 99" in answer
    assert hub.metrics()["refused"] == 1


def test_a_hub_that_comes_back_is_announced_to(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender, member = make_peer(), make_peer()
    member.wait(member.client.announce(b"room"))
    hub.stop()
    member.until(lambda: not member.client.is_connected)
    assert member.client.announce(b"later") < 0
    hub.start()
    member.until(lambda: "gap" in member.events)
    sender.wait(sender.client.publish(b"room", b"one"))
    sender.wait(sender.client.publish(b"later", b"two"))
    member.synchronize()
    assert member.heard == [(b"room", b"one"), (b"later", b"two")]
    assert member.events == ["up", "down", "up again", "gap"]


def test_who_does_not_read_loses_messages_and_is_told(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender, slow, member = make_peer(), make_peer(), make_peer()
    for peer in (slow, member):
        peer.wait(peer.client.announce(b"room"))
    text = bytes(32 * 1024)
    count = 200
    for _ in range(count):
        sender.wait(sender.client.publish(b"room", text))
        member.client.turn(0)
    member.until(lambda: len(member.heard) == count)
    slow.until(lambda: "gap" in slow.events)
    assert 0 < len(slow.heard) < count
    assert hub.metrics()["gaps"] == 1
    assert hub.metrics()["dropped"] == count - len(slow.heard)
    sender.wait(sender.client.publish(b"room", b"after"))
    slow.until(lambda: slow.heard[-1] == (b"room", b"after"))


def test_messages_that_were_asked_for_wait_for_who_does_not_read(
    hub: _core.Hub, make_peer: MakePeer
) -> None:
    sender, slow = make_peer(), make_peer()
    count = 50
    for _ in range(count):
        slow.wait(slow.client.receive(b"work"))
    texts = [b"%d " % number + bytes(300_000) for number in range(count)]
    for text in texts:
        sender.wait(sender.client.send(b"work", text, count, 60_000))
    assert 0 < hub.metrics()["waiting"] < count
    slow.until(lambda: len(slow.heard) == count)
    assert [text for _, text in slow.heard] == texts
    assert hub.metrics()["waiting_bytes"] == 0


def test_a_client_that_is_held_reads_no_more(hub: _core.Hub, make_peer: MakePeer) -> None:
    sender, member = make_peer(), make_peer()
    member.wait(member.client.announce(b"room"))
    member.holds = True
    for number in range(100):
        sender.wait(sender.client.publish(b"room", b"%d" % number))
    for count in range(1, 101):
        member.until(lambda count=count: len(member.heard) == count)  # type: ignore[misc]
        member.client.turn(0)
        assert len(member.heard) == count
        member.client.resume()
    assert [payload for _, payload in member.heard] == [b"%d" % number for number in range(100)]


def test_a_full_project_keeps_its_processes(hub: _core.Hub, make_peer: MakePeer) -> None:
    """Messages keep nobody from asking for some; too many names are a failure, and no end."""
    sender, member = make_peer(), make_peer()
    while not sender.failures:
        sender.wait(sender.client.send(b"full", bytes(1 << 20), 100, 60_000))
    assert sender.failures[0][1] == HUB_FULL
    member.wait(member.client.receive(b"another's"))
    last = 0
    for joining in range(1130):
        name = b"%060000d" % joining
        while (number := member.client.join(b"room", name, 100, 60_000, 60_000)) < 0:
            member.wait(last)
        last = number
    member.wait(last)
    assert {failure for _, failure in member.failures} == {HUB_FULL}
    assert len(member.failures) < 30
    assert "down" not in member.events


def test_names_have_room_in_one_frame(hub: _core.Hub, make_peer: MakePeer) -> None:
    peer, most = make_peer(), 65536 - 12
    peer.wait(peer.client.join(b"room", b"c" * most, 1, 60_000, 60_000))
    peer.wait(peer.client.leave(b"room", b"c" * most))
    peer.wait(peer.client.leave(b"room", b"c" * 65535))
    for asked in (
        lambda: peer.client.join(b"room", b"c" * (most + 1), 1, 60_000, 60_000),
        lambda: peer.client.leave(b"room", b"c" * 65536),
    ):
        with pytest.raises(ValueError, match="too large for the hub"):
            asked()
    peer.synchronize()
    assert "down" not in peer.events


def test_a_hub_that_says_much_before_it_answers_is_not_silent(
    path: str, make_peer: MakePeer
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        peer = make_peer()
        number = peer.client.publish(b"room", b"one")
        hub, _ = listener.accept()
        silent = make_peer()  # how long one is waited for that says nothing
        assert silent.client.publish(b"room", b"one") > 0
        says_nothing, _ = listener.accept()
    with hub, says_nothing:
        hub.sendall(frame(65, b"", number=1))
        while silent.client.is_connected:
            hub.sendall(frame(68, b"room", b"another's", number=2))
            peer.client.turn(0)
            silent.client.turn(0.02)
        hub.sendall(frame(67, b"", struct.pack("<Q", 100), number=2))
        peer.wait(number)
    assert "down" not in peer.events


def test_patience_with_a_silent_hub(path: str, make_peer: MakePeer) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()  # and never says a word
        patient, hasty, usual = make_peer(silence=60.0), make_peer(silence=0.05), make_peer()
        peers = (patient, hasty, usual)
        for peer in peers:
            assert peer.client.publish(b"room", b"one") > 0
        while hasty.client.is_connected or usual.client.is_connected:
            for peer in peers:
                peer.client.turn(0.01)
        assert patient.client.is_connected
        assert usual.client.reason == hasty.client.reason == "it does not answer"


def test_a_silent_hub_is_noticed(path: str) -> None:
    """It is stopped by a signal: the kernel still takes connections and bytes."""
    with hub_process(path) as process:
        peer = CorePeer(path, silence=2.5)
        peer.synchronize()
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        assert peer.client.publish(b"room", b"text") > 0
        peer.until(lambda: not peer.client.is_connected)
        assert peer.client.reason == "it does not answer"
    peer.until(lambda: peer.client.reason == "there is no hub: nobody listens")
    peer.client.close()


@contextlib.contextmanager
def hub_process(path: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a hub in a process of its own, which is killed at the end."""
    program = "import sys; from casgi import _core; hub = _core.Hub(sys.argv[1]); hub.start()"
    program += "; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def frame(kind: int, name: bytes, payload: bytes = b"", flags: int = 0, number: int = 0) -> bytes:
    """Return a frame as docs/hub.md has it."""
    header = struct.pack("<IBBHI", len(name) + len(payload), kind, flags, len(name), number)
    return header + name + payload


def test_who_has_no_credit_may_ask_for_messages(hub: _core.Hub, make_peer: MakePeer) -> None:
    flooding, sender = make_peer(), make_peer()
    flooding.synchronize()
    while flooding.client.publish(b"room", b"x" * 65536) > 0:
        pass
    number = flooding.client.receive(b"tasks")
    assert number > 0
    flooding.wait(number)
    sender.wait(sender.client.send(b"tasks", b"one", 10, 60_000))
    flooding.until(lambda: flooding.heard == [(b"tasks", b"one")])
