"""Servers, loops and requests that end in an order nobody would choose."""

import pytest

from memory.provoked import provoke

LOOPS = ["new_loop", "asyncio.SelectorEventLoop"]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("request_bytes", ["GET", "UPGRADE"])
def test_closed_under_an_application(loop: str, request_bytes: str) -> None:
    """Its close timer stands on the wheel of a loop that is gone when the application ends."""
    provoke(f"""
        async def application(scope, receive, send):
            gate.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            await asyncio.sleep(0.01)

        loop = {loop}()
        gate = asyncio.Event()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, {request_bytes})
        loop.run_until_complete(gate.wait())
        server.close()
        turn_until(loop, lambda: server.tasks == 0)
        loop.close()
        del server, loop
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_loop_closed_under_an_application(loop: str) -> None:
    """The server is closed, then its loop, while the task has not heard of it."""
    provoke(f"""
        async def application(scope, receive, send):
            gate.set()
            await asyncio.Event().wait()

        loop = {loop}()
        gate = asyncio.Event()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, GET)
        loop.run_until_complete(gate.wait())
        server.close()
        loop.close()
        del server, loop, gate
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("is_gone", [False, True])
def test_loop_closed_before_its_server(loop: str, is_gone: bool) -> None:
    provoke(f"""
        async def application(scope, receive, send):
            gate.set()
            await asyncio.Event().wait()

        loop = {loop}()
        loop.set_exception_handler(lambda loop, context: None)
        gate = asyncio.Event()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, GET)
        loop.run_until_complete(gate.wait())
        if {is_gone}:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            server.stop_listening()
            turn_until(loop, lambda: server.connections == 0)
        loop.close()
        server.close()
        del server, loop, gate
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_dropped_inside_its_own_callback(loop: str) -> None:
    """The last reference to the server is that of a request which ends inside a turn."""
    provoke(f"""
        async def application(scope, receive, send):
            ready.set()
            await receive()
            await receive()
            await send(START)
            await send(BODY)

        loop = {loop}()
        ready = asyncio.Event()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, GET[:-2] + b"Content-Length: 2\\r\\n\\r\\n")
        client.sendall(b"a")
        loop.run_until_complete(ready.wait())
        turn(loop)
        gc.disable()
        del server
        client.sendall(b"b")
        turn_until(loop, lambda: not _core.counters()["http_cycles"])
        turn(loop)
        assert client.recv(1000)[9:12] == b"200"
        loop.close()
        del loop, ready
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("request_bytes", ["GET", "UPGRADE"])
@pytest.mark.parametrize("closes", [False, True])
def test_forgotten_with_a_request(loop: str, request_bytes: str, closes: bool) -> None:
    """Everything is one cycle: server, request, task, coroutine, send."""
    provoke(f"""
        async def application(scope, receive, send):
            gate.set()
            first = asyncio.ensure_future(receive())
            await first
            await receive()

        loop = {loop}()
        loop.set_exception_handler(lambda loop, context: None)
        gate = asyncio.Event()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, {request_bytes})
        loop.run_until_complete(gate.wait())
        turn(loop)
        if {closes}:
            loop.close()
        del server, loop, gate, application
        import warnings
        warnings.simplefilter("ignore")
        collect()
        assert not alive(), alive()
    """)


def test_dropped_by_its_own_on_idle() -> None:
    provoke("""
        def on_idle():
            holder.clear()
            raise ValueError

        loop = new_loop()
        errors = []
        loop.set_exception_handler(lambda loop, context: errors.append(context["message"]))
        listener = bound()
        holder = [_core.Server(None, loop)]
        holder[0].on_idle = on_idle
        holder[0].listen(listener.fileno())
        client = connected(listener)
        turn_until(loop, lambda: holder[0].connections == 1)
        client.close()
        turn_until(loop, lambda: not holder)
        assert errors == ["Exception in Server.on_idle"], errors
        loop.close()
        del loop
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("bad", ["state=5", "server_header=chr(300)"])
def test_half_made_on_a_foreign_loop(bad: str) -> None:
    provoke(f"""
        loop = asyncio.SelectorEventLoop()
        try:
            _core.Server(None, loop, {bad})
        except (TypeError, ValueError):
            pass
        else:
            raise AssertionError
        assert not alive(), alive()
        loop.close()
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("request_bytes", ["b''", "GET", "UPGRADE"])
def test_interpreter_ends_with_a_live_server(loop: str, request_bytes: str) -> None:
    provoke(f"""
        async def application(scope, receive, send):
            gate.set()
            try:
                await receive()
                await receive()
            finally:
                with contextlib.suppress(Exception):
                    await send(START)

        loop = {loop}()
        gate = asyncio.Event()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, {request_bytes})
        if {request_bytes}:
            loop.run_until_complete(gate.wait())
        turn(loop)
        import warnings
        warnings.simplefilter("ignore")
    """)


def test_interpreter_ends_under_a_thread() -> None:
    provoke("""
        async def application(scope, receive, send):
            ready.set()
            await receive()
            await receive()

        def run():
            loop = new_loop()
            server = _core.Server(application, loop)
            server.listen(listener.fileno())
            loop.run_forever()

        ready = threading.Event()
        listener = bound()
        threading.Thread(target=run, daemon=True).start()
        client = connected(listener, GET)
        assert ready.wait(10)
    """)


def test_two_threads() -> None:
    provoke("""
        async def application(scope, receive, send):
            await send(START)
            await send(BODY)

        async def serve(listener, stop):
            loop = asyncio.get_running_loop()
            server = _core.Server(application, loop)
            server.listen(listener.fileno())
            await loop.run_in_executor(None, stop.wait)
            server.close()

        def run(listener, stop):
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(serve(listener, stop))

        def load(listener):
            for _ in range(100):
                with connected(listener, GET) as client:
                    assert client.recv(1000).startswith(b"HTTP/1.1 200")

        stop = threading.Event()
        listeners = [bound(), bound()]
        servers = [threading.Thread(target=run, args=(each, stop)) for each in listeners]
        loads = [threading.Thread(target=load, args=(each,)) for each in listeners]
        for thread in servers + loads:
            thread.start()
        for thread in loads:
            thread.join()
        stop.set()
        for thread in servers:
            thread.join()
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_dropped_with_a_websocket_that_closes(loop: str) -> None:
    """The application has returned: the WebSocket alone keeps the server, until it is closed."""
    provoke(f"""
        async def application(scope, receive, send):
            await receive()
            await send({{"type": "websocket.accept"}})
            await send({{"type": "websocket.close"}})

        loop = {loop}()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, UPGRADE)
        other = connected(listener)
        turn_until(loop, lambda: _core.counters()["ws_cycles"])
        turn_until(loop, lambda: server.tasks == 0)
        gc.disable()
        del server
        assert _core.counters()["ws_cycles"] == 1
        client.close()
        turn_until(loop, lambda: not _core.counters()["ws_cycles"])
        turn(loop)
        left = alive()
        assert not left.keys() - {{"event_loops"}}, left
        loop.close()
        del loop
        collect()
        assert not alive(), alive()
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_closed_by_its_own_on_idle(loop: str) -> None:
    provoke(f"""
        loop = {loop}()
        listener = bound()
        server = _core.Server(None, loop)
        server.on_idle = lambda: server.close()
        server.listen(listener.fileno())
        client = connected(listener)
        turn_until(loop, lambda: server.connections == 1)
        server.close()
        server.close()
        loop.close()
        del loop, server
        collect()
        assert not alive(), alive()
    """)
