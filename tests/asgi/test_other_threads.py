"""send() and receive() on other threads than the loop's, and on their loops.

A callback thread of an SDK, `async_to_sync(self.send)`, `asyncio.run()` in a worker: what they do
reaches the client at once, though nothing else happens on the server; who has to wait waits on the
loop of its own thread.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from support import engines
from support.apps import Journal, Message, Receive, Scope, Send, read_body, respond
from support.engines import ClientDisconnected
from support.raw import request
from support.server import Serve
from support.ws import CLOSE, WebSocketClient

Run = Callable[[Coroutine[Any, Any, Any]], Any]
BLOCK = bytes(200_000)


@pytest.fixture(params=["casgi", "asyncio", "uvloop"], autouse=True)
def loop_of_the_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Serve on a loop of ours, and riding on foreign ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "LOOP", request.param)
        yield


def by_asyncio_run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it on a loop of its own."""

    async def main() -> Any:
        return await coroutine

    return asyncio.run(main())


def by_async_to_sync(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it as asgiref does in a thread that knows no loop."""

    async def main() -> Any:
        return await coroutine

    return async_to_sync(main)()


RUNS = [by_asyncio_run, by_async_to_sync]


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    """Start a thread that no loop knows of."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


async def join(thread: threading.Thread) -> None:
    """Wait for a thread without keeping the loop."""
    await asyncio.to_thread(thread.join)


@pytest.mark.parametrize("run", RUNS)
def test_messages_of_a_quiet_websocket(serve: Serve, run: Run) -> None:
    """Each is read before the next is sent: nothing else wakes the server."""
    has_read = threading.Semaphore(0)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        def work() -> None:
            for number in range(4):
                for part in ("a", "b"):
                    run(send({"type": "websocket.send", "text": f"{number}{part}"}))
                has_read.acquire()

        thread = in_a_thread(work)
        assert (await receive())["type"] == "websocket.disconnect"
        await join(thread)

    with serve(application).websocket() as client:
        for number in range(4):
            assert [client.read_text(), client.read_text()] == [f"{number}a", f"{number}b"]
            has_read.release()
        client.finish()


@pytest.mark.parametrize("run", RUNS)
def test_tokens_of_a_streamed_response(serve: Serve, run: Run) -> None:
    has_read = threading.Semaphore(0)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        def work() -> None:
            run(send({"type": "http.response.start", "status": 200}))
            for number in range(4):
                token = b"%d;" % number
                body = {"type": "http.response.body", "body": token, "more_body": True}
                run(send(body))
                has_read.acquire()
            run(send({"type": "http.response.body"}))

        await asyncio.to_thread(work)

    with serve(application).connect() as client:
        client.send(request())
        for number in range(4):
            assert client.read_until(b"%d;" % number)
            has_read.release()
        assert client.read_until(b"0\r\n\r\n")


@pytest.mark.parametrize("run", RUNS)
def test_large_messages_wait_for_the_client(serve: Serve, run: Run) -> None:
    count = 20
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        def work() -> None:
            for number in range(count):
                run(send({"type": "websocket.send", "bytes": BLOCK}))
                journal.add(number)

        await join(in_a_thread(work))
        await send({"type": "websocket.close"})

    client = serve(application).websocket_connect(receive_buffer=16384)
    client.handshake("/")
    assert journal.next() == 0
    assert len(journal.rest()) < count - 1, "the thread did not wait for the client"
    for _ in range(count):
        assert client.read_binary() == BLOCK
    client.finish_close()


@pytest.mark.parametrize("run", RUNS)
def test_large_response_waits_for_the_client(serve: Serve, run: Run) -> None:
    count = 20

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        def work() -> None:
            run(send({"type": "http.response.start", "status": 200}))
            for _ in range(count):
                run(send({"type": "http.response.body", "body": BLOCK, "more_body": True}))
            run(send({"type": "http.response.body"}))

        await join(in_a_thread(work))

    with serve(application).connect(receive_buffer=16384) as client:
        client.send(request())
        assert client.read_response().body == BLOCK * count


def test_order_of_each_sender(serve: Serve) -> None:
    senders, count = 4, 100

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        def work(name: int) -> None:
            async def main() -> None:
                for number in range(count):
                    await send({"type": "websocket.send", "text": f"{name} {number} " + "x" * 999})

            asyncio.run(main())

        with ThreadPoolExecutor(senders) as pool:
            loop = asyncio.get_running_loop()
            await asyncio.gather(*(loop.run_in_executor(pool, work, i) for i in range(senders)))
        await send({"type": "websocket.close"})

    with serve(application).websocket() as client:
        seen: dict[str, list[int]] = {str(name): [] for name in range(senders)}
        for _ in range(senders * count):
            name, number, _ = client.read_text().split()
            seen[name].append(int(number))
        client.finish_close()
    assert list(seen.values()) == [list(range(count))] * senders


def test_sender_for_whom_the_loop_waits(serve: Serve) -> None:
    """Bad manners, but it works everywhere: a handler joins its threads on the loop."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message: Message = {"type": "websocket.send", "text": "hello"}
        thread = in_a_thread(lambda: by_asyncio_run(send(message)))
        thread.join()
        await send({"type": "websocket.close"})

    with serve(application).websocket() as client:
        assert client.read_text() == "hello"
        client.finish_close()


def read_to_the_close(client: WebSocketClient) -> None:
    """Read all messages, and the close frame behind them."""
    while client.read_frame().opcode != CLOSE:
        pass


def until_it_waits(send: Send, message: Message, journal: Journal) -> Callable[[], None]:
    """Return work that sends until it has to wait, and notes how that ended."""

    async def main() -> None:
        is_noted = False
        try:
            while True:
                sending = asyncio.ensure_future(send(message))
                done, _ = await asyncio.wait([sending], timeout=0.2)
                if not done and not is_noted:  # One that was only slow is followed by more.
                    is_noted = True
                    journal.add("waits")
                await sending
        except Exception as error:
            journal.add(type(error))

    return lambda: asyncio.run(main())


@pytest.mark.parametrize("ending", ["client leaves", "shutdown", "abort"])
def test_end_while_a_thread_waits(serve: Serve, ending: str) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message: Message = {"type": "websocket.send", "bytes": BLOCK}
        thread = in_a_thread(until_it_waits(send, message, journal))
        await receive()
        await join(thread)

    server = serve(application)
    client = server.websocket_connect(receive_buffer=16384)
    client.handshake("/")
    assert journal.next() == "waits"
    if ending == "client leaves":
        client.close()
    elif ending == "shutdown":
        server.shut_down()
        read_to_the_close(client)
        client.close()
    else:
        server.call(server.engine.abort)
    assert journal.next() is ClientDisconnected


def test_loop_that_ends_while_it_waits(serve: Serve) -> None:
    """Whoever gives up leaves nothing behind that would be woken in vain."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        async def give_up() -> None:
            message: Message = {"type": "websocket.send", "bytes": BLOCK}
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    while True:
                        await send(message)
            never = asyncio.ensure_future(send(message))
            await asyncio.sleep(0)
            journal.add(never.done())

        await join(in_a_thread(lambda: asyncio.run(give_up())))
        await send({"type": "websocket.close"})

    client = serve(application).websocket_connect(receive_buffer=16384)
    client.handshake("/")
    assert journal.next() is False
    read_to_the_close(client)
    client.close()


@pytest.mark.parametrize("run", RUNS)
def test_body_is_received_in_a_thread(serve: Serve, run: Run) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes = await asyncio.to_thread(run, read_body(receive))
        await respond(send, b"%d" % len(body))

    with serve(application).connect() as client:
        client.send(request(method="POST", headers=["Content-Length: 600000"]))
        for _ in range(3):
            client.send(BLOCK)
        assert client.read_response().body == b"600000"


@pytest.mark.parametrize("run", RUNS)
def test_messages_are_received_in_a_thread(serve: Serve, run: Run) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        def work() -> None:
            while (event := run(receive()))["type"] == "websocket.receive":
                run(send({"type": "websocket.send", "text": event["text"].upper()}))

        await join(in_a_thread(work))

    with serve(application).websocket() as client:
        for word in ("one", "two", "three"):
            client.send_text(word)
            assert client.read_text() == word.upper()
        client.finish()


def test_receive_that_is_cancelled_in_a_thread_loses_nothing(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        async def give_up() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(), 0.05)
            journal.add("gave up")

        await join(in_a_thread(lambda: asyncio.run(give_up())))
        await send({"type": "websocket.send", "text": (await receive())["text"]})
        await receive()

    with serve(application).websocket() as client:
        assert journal.next() == "gave up"
        client.send_text("hello")
        assert client.read_text() == "hello"
        client.finish()


def test_thread_closes_a_quiet_websocket(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        in_a_thread(lambda: by_asyncio_run(send({"type": "websocket.close", "code": 4000})))
        assert (await receive())["code"] == 4000

    with serve(application).websocket() as client:
        assert client.read_close()[0] == 4000
        client.send_close(4000)
        client.assert_closed()


def test_thread_sends_to_a_group(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.group.add", "group": "all"})
        await send({"type": "websocket.send", "text": "joined"})
        while (await receive())["type"] == "websocket.receive":
            message: Message = {"type": "websocket.group.send", "group": "all", "text": "hello"}
            in_a_thread(lambda message=message: by_asyncio_run(send(message)))

    server = serve(application)
    clients = [server.websocket() for _ in range(3)]
    for client in clients:
        assert client.read_text() == "joined"
    clients[0].send_text("go")
    for client in clients:
        assert client.read_text() == "hello"
        client.finish()


def test_request_behind_one_that_ended_in_a_thread(serve: Serve) -> None:
    """It was sent ahead; its application runs on the loop's thread, as every other."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(threading.get_ident())
        has_both.set()
        if scope["path"] == "/first":

            def work() -> None:
                may_end.wait()
                by_asyncio_run(send({"type": "http.response.body", "body": b"first"}))

            await send({"type": "http.response.start", "status": 200})
            await asyncio.to_thread(work)
        else:
            await respond(send, b"second")

    may_end = threading.Event()
    has_both = threading.Event()
    with serve(application).connect() as client:
        client.send(request("/first") + request("/second"))
        assert has_both.wait(10)
        may_end.set()
        assert client.read_response().body == b"first"
        assert client.read_response().body == b"second"
    assert journal.next() == journal.next()


def test_errors_come_out_of_the_await_in_a_thread(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        def work() -> None:
            with pytest.raises(ValueError, match="unexpected ASGI message"):
                by_asyncio_run(send({"type": "http.nonsense"}))

        await asyncio.to_thread(work)
        await respond(send, b"ok")

    assert serve(application).get().body == b"ok"
