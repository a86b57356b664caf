"""Applications for a server whose loop is trio's."""

import trio


async def sleeping(scope, receive, send):
    await trio.sleep(1)


async def yielding(scope, receive, send):
    await trio.lowlevel.checkpoint()


async def with_nursery(scope, receive, send):
    async with trio.open_nursery():
        pass
