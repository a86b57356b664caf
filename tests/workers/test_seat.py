"""The place of a worker, when the system has no process for one."""

import asyncio
import errno
import os

from casgi.supervisor.seat import Seat


def test_process_that_cannot_be_made_is_tried_again():
    async def run():
        tries = []
        tried_again = asyncio.Event()

        async def start(number):
            tries.append(number)
            if len(tries) == 2:
                tried_again.set()
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        seat = Seat(3, start, lambda: None)
        assert not await seat.fill()
        tries.clear()
        keeping = asyncio.create_task(seat.keep())
        await asyncio.wait([keeping, asyncio.create_task(tried_again.wait())], timeout=20)
        assert tries[:2] == [3, 3]
        seat.give_up()
        await keeping

    asyncio.run(run())
