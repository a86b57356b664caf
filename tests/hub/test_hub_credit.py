"""Credit: who has it can send without an error, since members of here have the message by then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from core_peer import CorePeer
from hub_process import HubProcess

from casgi.channels.hub.layer import HubChannelLayer

MOST_SENT = 1_000


@pytest.fixture
def hub(tmp_path: Path) -> HubProcess:
    """A hub that a test starts."""
    return HubProcess(str(tmp_path / "hub"))


def test_a_connection_that_has_failed_gives_none(hub: HubProcess) -> None:
    peer = CorePeer(hub.path)
    assert not peer.client.has_credit
    with hub:
        peer.wait(peer.client.publish(b"topic", b""))
        assert peer.client.has_credit
        hub.kill()
        for _ in range(MOST_SENT):  # not turned: nobody has noticed yet
            has_credit = peer.client.has_credit
            assert (peer.client.publish(b"topic", b"message") > 0) is has_credit
            if not has_credit:
                break
        assert not has_credit
        peer.until(lambda: "down" in peer.events)
    assert not peer.client.has_credit


def test_there_is_none_off_a_server_s_loop(hub: HubProcess) -> None:
    async def with_a_member() -> None:
        layer = HubChannelLayer(hub=hub.path)
        channel = await layer.new_channel()
        await layer.group_add("group", channel)
        assert not layer.hub.has_credit()  # a thread hears of the hub's end at any time
        await layer.group_send("group", {"type": "x"})
        assert await layer.receive(channel) == {"type": "x"}
        layer.hub.close()

    with hub:
        asyncio.run(with_a_member())
