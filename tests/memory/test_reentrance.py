"""Application code that runs where a message is read, or where nobody expects it."""

import pytest

from memory.provoked import provoke

HTTP_SCRIPT = """
    class Headers:
        def __init__(self, message, act):
            self.message, self.act = message, act

        def __iter__(self):
            self.act(self.message)
            return iter([(b"a", b"b")])

    class Truth:
        def __init__(self, act):
            self.act = act

        def __bool__(self):
            self.act()
            return True

    class Key:
        # Stands in the way of a key of the message, by its hash.
        def __init__(self, name, act):
            self.name, self.act = name, act

        def __hash__(self):
            return hash(self.name)

        def __eq__(self, other):
            self.act()
            return False

    async def run(application, data):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, data)
        answer = await loop.run_in_executor(None, client.recv, 10000)
        for _ in range(10):
            await asyncio.sleep(0.001)
        server.close()
        await asyncio.sleep(0.01)
        return answer

    def main(application, data):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            answer = runner.run(run(application, data))
        collect()
        assert not alive(), alive()
        return answer
"""


def run(script: str) -> None:
    provoke(HTTP_SCRIPT + "\n" + script)


@pytest.mark.parametrize(
    "nested",
    ["send(START)", "(send(START), send(BODY))", "message.clear()", "server_abort()"],
)
def test_start_whose_headers_act(nested: str) -> None:
    """They may start another response, or end it."""
    run(f"""
    import gc
    async def application(scope, receive, send):
        def server_abort():
            for each in gc.get_objects():
                if type(each) is _core.Server:
                    each.abort()
        message = dict(START)
        message["headers"] = Headers(message, lambda message: {nested})
        with contextlib.suppress(RuntimeError, OSError, KeyError):
            await send(message)
        with contextlib.suppress(RuntimeError, OSError):
            await send(BODY)
    main(application, GET)
    """)


@pytest.mark.parametrize("nested", ["send(BODY)", "send(dict(BODY, more_body=True))"])
@pytest.mark.parametrize("more", ["True", "False"])
def test_body_whose_truth_acts(nested: str, more: str) -> None:
    run(f"""
    async def application(scope, receive, send):
        await send(START)
        with contextlib.suppress(RuntimeError, OSError):
            await send(dict(BODY, more_body=Truth(lambda: {nested})))
        with contextlib.suppress(RuntimeError, OSError):
            await send(dict(BODY, more_body={more}))
    main(application, GET)
    """)


@pytest.mark.parametrize(
    "nested",
    [
        "send({'type': 'websocket.accept'})",
        "send({'type': 'websocket.close'})",
        "(send({'type': 'websocket.http.response.start', 'status': 400}),"
        " send({'type': 'websocket.http.response.body'}))",
        "message.clear()",
    ],
)
@pytest.mark.parametrize("outer", ["websocket.accept", "websocket.http.response.start"])
def test_websocket_message_whose_headers_act(outer: str, nested: str) -> None:
    run(f"""
    async def application(scope, receive, send):
        await receive()
        message = {{"type": {outer!r}, "status": 400, "subprotocol": "".join(["a"] * 50)}}
        message["headers"] = Headers(message, lambda message: {nested})
        with contextlib.suppress(RuntimeError, OSError, ValueError, KeyError):
            await send(message)
        with contextlib.suppress(RuntimeError, OSError, ValueError):
            await send({{"type": "websocket.http.response.body"}})
    main(application, UPGRADE)
    """)


@pytest.mark.parametrize("place", ["type", "text", "bytes", "more_body", "body"])
def test_message_whose_keys_act(place: str) -> None:
    """A look-up may change the message, and what was found before it is gone."""
    run(f"""
    async def application(scope, receive, send):
        if scope["type"] == "websocket":
            await send({{"type": "websocket.accept"}})
        def act():
            for key in ("type", "text", "bytes", "body"):
                dict.pop(message, key, None) if keys else None
        keys = []
        message = {{Key({place!r}, act): 1}}
        if scope["type"] == "websocket":
            message.update(type="".join(["websocket", ".send"]), text="".join(["x"] * 100))
        else:
            await send(START)
            message.update(type="".join(["http.response", ".body"]), body=bytes(bytearray(100)))
        keys.append(1)
        with contextlib.suppress(RuntimeError, OSError, ValueError, KeyError):
            await send(message)
    main(application, UPGRADE)
    main(application, GET)
    """)


@pytest.mark.parametrize("action", ["add", "discard", "send"])
@pytest.mark.parametrize(
    "nested",
    [
        "message.clear()",
        "(send({'type': 'websocket.http.response.start', 'status': 400}),"
        " send({'type': 'websocket.http.response.body'}))",
    ],
)
def test_group_message_that_acts(action: str, nested: str) -> None:
    run(f"""
    async def application(scope, receive, send):
        await receive()
        message = {{Key("text", lambda: {nested}): 1, "type": "websocket.group.{action}"}}
        message["group"] = "".join(["g"] * 50)
        message["include_self"] = Truth(lambda: {nested})
        message["text"] = "".join(["t"] * 50)
        with contextlib.suppress(RuntimeError, OSError, ValueError, KeyError):
            await send(message)
        with contextlib.suppress(RuntimeError, OSError, ValueError):
            await send({{"type": "websocket.close"}})
    main(application, UPGRADE)
    """)


def test_bytes_that_act_when_they_go() -> None:
    """An object derived from bytes is copied: it must not be let go of inside the core."""
    run("""
    class Bytes(bytes):
        def __del__(self):
            with contextlib.suppress(Exception):
                send_again[0]({"type": "http.response.body", "body": b"z", "more_body": True})

    send_again = []
    async def application(scope, receive, send):
        send_again[:] = [send]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", Bytes(b"b"))]})
        await send({"type": "http.response.body", "body": Bytes(b"x" * 100000), "more_body": True})
        send_again.clear()
        await send(BODY)
    main(application, GET)
    """)


def test_denial_after_half_close() -> None:
    """The denial ends its exchange, and the WebSocket with it, inside the report of the end."""
    run("""
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.http.response.start", "status": 400})
        children = [asyncio.create_task(child(receive, send)) for _ in range(2)]
        await asyncio.sleep(0)
        client[0].shutdown(socket.SHUT_WR)
        await asyncio.wait(children)

    async def child(receive, send):
        # of two, the second is stepped inside the report
        with contextlib.suppress(RuntimeError):
            assert (await receive())["type"] == "websocket.disconnect"
            await send({"type": "websocket.http.response.body", "body": b"no"})

    client = []
    connect = connected
    def connected(*args):
        client[:] = [connect(*args)]
        return client[0]
    answer = main(application, UPGRADE)
    assert answer.endswith(b"no"), answer
    """)


def test_scope_that_can_not_be_described() -> None:
    run("""
    class Method:
        def __str__(self):
            scopes[0].clear()
            raise ValueError("no text")

    scopes = []
    async def application(scope, receive, send):
        scopes.append(scope)
        scope["method"] = Method()
        await asyncio.sleep(0)
        raise RuntimeError
    sys.unraisablehook = lambda unraisable: None
    assert main(application, GET).startswith(b"HTTP/1.1 500")
    """)


@pytest.mark.parametrize("second", ["GET", "UPGRADE"])
def test_closing_one_server_leaves_the_other_alone(second: str) -> None:
    """close() turns the loop, inside a task: no other task may be stepped there."""
    provoke(f"""
    async def application(scope, receive, send):
        if scope["type"] == "websocket":
            await send({{"type": "websocket.accept"}})
            await receive()
            assert (await receive())["type"] == "websocket.receive"
            order.append("stepped")
            return await send({{"type": "websocket.close"}})
        order.append("stepped")
        await send(START)
        await send(BODY)

    async def first_application(scope, receive, send):
        await receive()
        await receive()

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: errors.append(context))
        listeners = bound(), bound()
        one, two = _core.Server(first_application, loop), _core.Server(application, loop)
        one.listen(listeners[0].fileno())
        two.listen(listeners[1].fileno())
        held = connected(listeners[0], GET)
        data = {second}
        client = connected(listeners[1], data if data == UPGRADE else b"")
        while one.tasks == 0 or two.connections == 0 or (data == UPGRADE and two.tasks == 0):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        if data == UPGRADE:
            client.recv(1000)
        client.sendall(b"\\x81\\x81\\0\\0\\0\\0x" if data == UPGRADE else data)
        one.close()
        order.append("closed")
        answer = await loop.run_in_executor(None, client.recv, 1000)
        assert answer[:1] in b"H\\x88", answer
        client.close()
        two.close()
        await asyncio.sleep(0.01)

    errors, order = [], []
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    assert not errors, errors
    assert order == ["closed", "stepped"], order
    collect()
    assert not alive(), alive()
    """)


def test_shutdown_from_another_thread_steps_no_task_there() -> None:
    """The loop's thread waits inside its turn, without the GIL."""
    provoke("""
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        with contextlib.suppress(OSError):
            await receive()
        threads.append(threading.get_ident())

    async def main():
        loop = asyncio.get_running_loop()
        listener = bound()
        server = _core.Server(application, loop)
        server.listen(listener.fileno())
        client = connected(listener, UPGRADE)
        await loop.run_in_executor(None, client.recv, 1000)

        def work():
            server.shutdown()
            loop.call_soon_threadsafe(lambda: None)

        await asyncio.to_thread(work)
        client.close()
        while server.tasks:
            await asyncio.sleep(0.001)
        server.close()

    threads = []
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    assert threads == [threading.get_ident()]
    """)
