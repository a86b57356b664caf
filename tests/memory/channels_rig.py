"""What the scripts about channels begin with: consumers without Channels, on the core alone."""

from memory.provoked import provoke

LOOPS = ["new_loop", "asyncio.SelectorEventLoop"]

RIG = """
    import itertools

    class Plan:
        def run(self, message):
            kind = message["type"]
            payloads = self.payloads(message)
            if payloads is None:
                return None
            # No generator expression: without memory, CPython 3.13 crashes as it makes a function.
            plans = []
            for each in self.comparisons:
                plans.append((each, payloads))
            return (tuple(plans), self.attributes(kind), self.fingerprint)

        fingerprint = None

        def payloads(self, message):
            return ("frame",)

        def attributes(self, kind):
            return (("handle", Consumer.handle, True),)

        comparisons = ((),)

    class Consumer:
        def __init__(self, send):
            self.base_send = send

        def handle(self, message):
            raise AssertionError("the plan stands for it")

    class Acting:
        # A value of a message: acts when it is copied, or when it goes.
        def __init__(self, on_copy=None, on_end=None):
            self.on_copy, self.on_end = on_copy, on_end

        def __deepcopy__(self, memo):
            if self.on_copy:
                self.on_copy()
            return Acting(self.on_copy, self.on_end)

        def __del__(self):
            if self.on_end:
                self.on_end()

    def wake(target):
        if isinstance(target, _core.Channel):
            if (loop := target.loop) is not None:
                loop.call_soon_threadsafe(target.wake)
        elif not target.done():
            target.set_result(None)

    def new_table(capacity=lambda name: 100, **options):
        return _core.ChannelTable(capacity, wake, **options)

    numbers = itertools.count()
    consumers = []
    events = []
    tasks = []

    def application_on(table, plan=None, groups=("g",)):
        async def application(scope, receive, send):
            tasks.append(asyncio.current_task())
            consumer = Consumer(send)
            consumers.append(consumer)
            channel = table.open(f"c{next(numbers)}")
            try:
                cycle = channel.listen(receive, send, consumer, send, plan)
                await cycle.next_event()
                await send({"type": "websocket.accept"})
                for group in groups:
                    table.add(group, channel.name)
                while True:
                    event = await cycle.next_event()
                    events.append(event)
                    if event["type"] == "websocket.disconnect":
                        return
                    if event["type"] == "raise":
                        raise ValueError
            finally:
                channel.close()
        return application

    def serve(loop, application):
        loop.set_exception_handler(lambda loop, context: None)
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        return server, listener

    def join(loop, table, listener, count):
        clients = [connected(listener, UPGRADE) for _ in range(count)]
        def are_idle():
            idle = [one for one in table.listening() if one.is_idle]
            return len(idle) >= count and len(table.members("g")) >= count
        turn_until(loop, are_idle)
        for client in clients:
            while not client.recv(10000).endswith(b"\\r\\n\\r\\n"):
                pass
        return clients

    def read_all(loop, client):
        # What has come after some turns, and whether the connection has ended.
        turn(loop)
        client.setblocking(False)
        data = b""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while more := client.recv(100000):
                data += more
        return data

    def end(loop, server):
        server.close()
        turn_until(loop, lambda: server.tasks == 0)
        loop.close()

    import logging
    logging.disable()
"""


def run(script: str) -> str:
    """Run a script with the rig; everything of the core must be gone at its end."""
    return provoke(RIG + "\n" + script)


ALL_GONE = """
    tasks.clear(); consumers.clear(); events.clear()
    collect()
    assert not alive(), alive()
"""
