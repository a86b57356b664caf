"""Nothing is lost, and the order of each sender is kept: HUB_MESSAGES of them, by four senders.

Each sender waits until all receivers have had what it sent two steps ago: what is under way never
exceeds what the hub keeps for one of them, so that none can be too slow, however busy the machine.
Who does not wait is held up by the hub: tests/c/test_hub_peer.c.
"""

from __future__ import annotations

import os
import subprocess
import sys

from casgi import _core

MESSAGES = int(os.environ.get("HUB_MESSAGES", "20000"))
SENDERS, RECEIVERS = 4, 2
# 8 steps of messages are under way at most, of less than 200 bytes: less than LIMIT_HUB_BACKLOG.
STEP = 500
SENDER = """
import asyncio, sys
from casgi.channels import ChannelLayer
layer = ChannelLayer(hub=sys.argv[1], prefix="volume")
sender, each, step, receivers = map(int, sys.argv[2:])
async def main():
    channel = await layer.new_channel()
    for number in range(each):
        message = {"type": "said", "sender": sender, "number": number}
        if number % step == 0:
            message["reply"] = channel
            for _ in range(receivers if number >= 2 * step else 0):
                await layer.receive(channel)
        await layer.group_send("room", message)
asyncio.run(main())
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
        if "reply" in message:
            await layer.send(message["reply"], {"type": "taken"})
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
    terms = (str(each), str(STEP), str(RECEIVERS))
    senders = [
        subprocess.Popen([sys.executable, "-c", SENDER, hub.path, str(number), *terms])
        for number in range(SENDERS)
    ]
    assert [sender.wait() for sender in senders] == [0] * SENDERS
    for receiver in receivers:
        output, _ = receiver.communicate()
        assert output.split() == [str(each)] * SENDERS + ["0"]
    assert hub.metrics()["dropped"] == 0
