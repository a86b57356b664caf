"""Nothing is lost, and the order of each sender is kept: HUB_MESSAGES of them, by four senders."""

from __future__ import annotations

import os
import subprocess
import sys

from casgi import _core

MESSAGES = int(os.environ.get("HUB_MESSAGES", "20000"))
SENDERS, RECEIVERS = 4, 2
SENDER = """
import sys
from casgi.channels import ChannelLayer
layer = ChannelLayer(hub=sys.argv[1], prefix="volume")
for number in range(int(sys.argv[3])):
    layer.sync.group_send("room", {"type": "said", "sender": int(sys.argv[2]), "number": number})
"""
RECEIVER = """
import asyncio, sys
from casgi.channels import ChannelLayer
layer = ChannelLayer(hub=sys.argv[1], prefix="volume", capacity=2**31)
async def main():
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    print("ready", flush=True)
    expected = [0] * int(sys.argv[2])
    for _ in range(int(sys.argv[3])):
        message = await layer.receive(channel)
        assert message["number"] == expected[message["sender"]], (message, expected)
        expected[message["sender"]] += 1
    print(*expected, layer.gaps, flush=True)
asyncio.run(main())
"""


def test_nothing_is_lost(hub: _core.Hub) -> None:
    each = MESSAGES // SENDERS
    command = [sys.executable, "-c", RECEIVER, hub.path, str(SENDERS), str(each * SENDERS)]
    receivers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(RECEIVERS)
    ]
    for receiver in receivers:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
    senders = [
        subprocess.Popen([sys.executable, "-c", SENDER, hub.path, str(number), str(each)])
        for number in range(SENDERS)
    ]
    assert [sender.wait() for sender in senders] == [0] * SENDERS
    for receiver in receivers:
        output, _ = receiver.communicate()
        assert output.split() == [str(each)] * SENDERS + ["0"]
    assert hub.metrics()["dropped"] == 0
