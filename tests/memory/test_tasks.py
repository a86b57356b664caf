"""Tasks that do not start or end as tasks should: interrupts, factories, things that are none."""

import sys

import pytest

from memory.provoked import provoke

LOOPS = ["new_loop", "asyncio.SelectorEventLoop"]
ENDINGS = ["KeyboardInterrupt", "SystemExit"]

RUN = """
    def run(loop, application, data=GET, factory=None):
        if factory is not None:
            loop.set_task_factory(factory)
        errors = []
        loop.set_exception_handler(lambda loop, context: errors.append(context["message"]))
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, data)
        return errors, listener, server, client

    def finish(loop, server):
        server.close()
        turn(loop)
        loop.close()
"""


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("place", ["call", "first", "later", "woken"])
def test_interrupt(loop: str, ending: str, place: str) -> None:
    """It leaves run_forever() once, and the loop can go on."""
    provoke(f"""
    import logging
    logging.disable()
    {RUN}
    async def steps(scope, receive, send):
        if "{place}" == "later":
            await asyncio.sleep(0.001)
        if "{place}" == "woken":
            await receive()
            await receive()
        raise {ending}

    def application(scope, receive, send):
        if "{place}" == "call":
            raise {ending}
        return steps(scope, receive, send)

    def main():
        loop = {loop}()
        errors, listener, server, client = run(loop, application)
        if "{place}" == "woken":
            turn_until(loop, lambda: server.tasks == 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        try:
            loop.call_later(10, loop.stop)
            loop.run_forever()
        except {ending}:
            pass
        else:
            raise AssertionError("not raised")
        turn(loop)
        assert server.tasks == 0
        finish(loop, server)
        # said by a task of Python 3.12 that is interrupted while it is being made
        assert not set(errors) - {{"Task exception was never retrieved"}}, errors
    main()
    collect()
    assert not alive(), alive()
    """)


FACTORIES = {
    "none": "lambda loop, coroutine, **kwargs: coroutine.close()",
    "raises": "lambda loop, coroutine, **kwargs: coroutine.close() or 1 / 0",
    "plain": "lambda loop, coroutine, **kwargs: asyncio.Task(coroutine, loop=loop, **kwargs)",
}
if sys.version_info >= (3, 12):
    FACTORIES["eager"] = "asyncio.eager_task_factory"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("factory", FACTORIES)
def test_task_factory(loop: str, factory: str) -> None:
    """An application that is stepped by a factory wakes its children, too."""
    expected = b"200" if factory in ("plain", "eager") else b"500"
    provoke(f"""
    import logging
    logging.disable()
    import select
    {RUN}
    async def application(scope, receive, send):
        await receive()
        children.append(asyncio.create_task(child(receive)))
        await send(START)
        await send(BODY)

    async def child(receive):
        seen.append((await receive())["type"])

    def main():
        loop = {loop}()
        errors, listener, server, client = run(loop, application)
        loop.set_task_factory({FACTORIES[factory]})
        def stop_when_answered():
            has_come = select.select([client], [], [], 0)[0]
            loop.call_soon(loop.stop) if has_come else loop.call_later(0.001, stop_when_answered)
        stop_when_answered()
        loop.run_forever()
        loop.set_task_factory(None)
        assert client.recv(1000)[9:12] == {expected!r}
        turn(loop)
        assert seen == ["http.disconnect"] or {expected!r} == b"500", (seen, errors)
        finish(loop, server)
        assert not errors, errors
        children.clear()

    seen, children = [], []
    main()
    collect()
    assert not alive(), alive()
    """)


OVER = "[future := loop.create_future(), future.set_result(None)][0]"


@pytest.mark.parametrize("result", ["None", "5", OVER, "[]", "iter([])"])
def test_application_that_returns_no_coroutine(result: str) -> None:
    provoke(f"""
    import logging
    logging.disable()
    {RUN}
    def main():
        loop = new_loop()
        errors, listener, server, client = run(loop, lambda *args: {result})
        turn_until(loop, lambda: server.connections)
        turn(loop)
        assert client.recv(1000)[9:12] == b"500"
        assert "call_soon" not in vars(loop)
        finish(loop, server)
        assert not errors, errors
    main()
    collect()
    assert not alive(), alive()
    """)


def test_call_soon_of_somebody_else() -> None:
    """An instrumented loop stays instrumented."""
    provoke(f"""
    {RUN}
    async def application(scope, receive, send):
        await send(START)
        await send(BODY)

    def main():
        loop = new_loop()
        original = loop.call_soon
        def call_soon(*args, **kwargs):
            return original(*args, **kwargs)
        loop.call_soon = call_soon
        errors, listener, server, client = run(loop, application)
        turn_until(loop, lambda: server.connections)
        turn(loop)
        assert client.recv(1000)[9:12] == b"200"
        assert loop.call_soon is call_soon
        finish(loop, server)
    main()
    collect()
    assert not alive(), alive()
    """)


def test_exception_handler_that_keeps_everything() -> None:
    """Tracebacks hold frames, frames hold send: dropped, they go in any order."""
    provoke(f"""
    import logging
    class Keep(logging.Handler):
        def emit(self, record):
            kept.append(record)
    logging.getLogger("casgi.error").addHandler(Keep())
    logging.getLogger("casgi.error").propagate = False
    {RUN}
    async def application(scope, receive, send):
        awaitable = receive()
        try:
            await send({{"type": "nonsense"}})
        except ValueError as error:
            raise BaseException("odd") from error

    def main():
        loop = new_loop()
        errors, listener, server, client = run(loop, application)
        turn_until(loop, lambda: kept)
        turn(loop)
        assert client.recv(1000)[9:12] == b"500"
        finish(loop, server)
    kept = []
    main()
    collect()
    assert _core.counters()["http_cycles"] == 1
    kept.clear()
    collect()
    assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_context_of_an_end_is_not_that_of_the_next_application(loop: str) -> None:
    """A handler of the log may set a variable; the next application begins without it."""
    provoke(f"""
    import contextvars, logging
    {RUN}
    variable = contextvars.ContextVar("variable", default="unset")
    class Setting(logging.Handler):
        def emit(self, record):
            variable.set("set by the log")
    logging.getLogger("casgi.error").addHandler(Setting())
    logging.getLogger("casgi.error").propagate = False

    async def application(scope, receive, send):
        seen.append(variable.get())
        await asyncio.sleep(0)
        raise ValueError

    def main():
        loop = {loop}()
        errors, listener, server, client = run(loop, application)
        turn_until(loop, lambda: len(seen) == 1 and server.tasks == 0)
        second = connected(listener, GET)
        turn_until(loop, lambda: len(seen) == 2 and server.tasks == 0)
        finish(loop, server)
        assert not errors, errors

    seen = []
    main()
    assert seen == ["unset", "unset"], seen
    collect()
    assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_future_whose_cancel_closes_the_server(loop: str) -> None:
    """No timer of a task stays behind on the loop that is gone then."""
    provoke(f"""
    {RUN}
    class Closing(asyncio.Future):
        def cancel(self, msg=None):
            if servers:
                servers.pop().close()
            return super().cancel(msg)

    async def application(scope, receive, send):
        await Closing(loop=asyncio.get_running_loop())

    def main():
        loop = {loop}()
        errors, listener, server, client = run(loop, application)
        clients = [connected(listener, GET) for _ in range(3)]
        turn_until(loop, lambda: server.tasks == 4)
        servers.append(server)
        server.abort()
        turn_until(loop, lambda: server.tasks == 0)
        finish(loop, server)
        assert not errors, errors

    servers = []
    main()
    collect()
    assert not alive(), alive()
    """)


def test_tasks_that_are_collected_while_they_are_listed() -> None:
    """Nothing can wake them: the garbage collector takes them, and runs for what is listed."""
    provoke(f"""
    {RUN}
    async def application(scope, receive, send):
        asyncio.current_task()._log_destroy_pending = False
        await asyncio.Future()

    def main():
        loop = new_loop()
        errors, listener, server, client = run(loop, application)
        clients = [client, *(connected(listener, GET) for _ in range(20))]
        turn_until(loop, lambda: server.tasks == 21)
        for each in clients:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            each.close()
        turn_until(loop, lambda: server.connections == 0)
        gc.enable()
        gc.set_threshold(1, 1, 1)
        server.unfinished()
        gc.set_threshold(700)
        finish(loop, server)

    gc.disable()
    main()
    collect()
    assert not alive(), alive()
    """)
