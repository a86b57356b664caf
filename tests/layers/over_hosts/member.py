"""A process of a host: it is in one group, and says on its standard output what it hears there.

    python member.py HUB REDIS PREFIX

It ends in good order when its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

from support.django_settings import configure_django

configure_django()

from casgi.channels import RedisHubChannelLayer  # noqa: E402
from casgi.channels.hosts import link  # noqa: E402

# Who hands over waits no longer than this, and a process can be held up by other tests.
link._HANDOVER = 60.0


async def main(hub: str, redis: str, prefix: str) -> None:
    layer = RedisHubChannelLayer([redis], hub=hub, prefix=prefix, capacity=100_000, partitions=16)
    name = await layer.new_channel()
    await layer.group_add("group", name)
    print("ready", flush=True)

    async def hear() -> None:
        gaps = 0
        while True:
            number = (await layer.receive(name))["number"]
            if layer.gaps > gaps:
                gaps = layer.gaps
                print("gap", flush=True)
            print(number, flush=True)

    hearing = asyncio.create_task(hear())
    await asyncio.to_thread(sys.stdin.read)
    hearing.cancel()


asyncio.run(main(*sys.argv[1:]))
