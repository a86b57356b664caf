"""asyncio on a loop made with our selector: what users' code and their libraries rely on."""

import asyncio
import concurrent.futures
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref

import pytest
from selector_loop import new_selector_loop, on_selector


@on_selector
async def test_threads():
    loop = asyncio.get_running_loop()
    results = await asyncio.gather(*(asyncio.to_thread(lambda n=n: n * n) for n in range(100)))
    assert results == [n * n for n in range(100)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert await loop.run_in_executor(pool, threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(lambda: 1 // 0)


@on_selector
async def test_call_soon_threadsafe():
    loop = asyncio.get_running_loop()
    order: list[int] = []
    done = asyncio.Event()

    def send() -> None:
        for number in range(1000):
            loop.call_soon_threadsafe(order.append, number)
        loop.call_soon_threadsafe(done.set)

    thread = threading.Thread(target=send)
    thread.start()
    await done.wait()
    thread.join()
    assert order == list(range(1000))


@on_selector
async def test_run_coroutine_threadsafe():
    loop = asyncio.get_running_loop()

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    def ask() -> int:
        return asyncio.run_coroutine_threadsafe(answer(), loop).result(10)

    assert await asyncio.to_thread(ask) == 42


@on_selector
async def test_timers():
    loop = asyncio.get_running_loop()
    order: list[str] = []
    start = loop.time()
    # Counted from one moment: this thread may be stopped between two lines.
    loop.call_at(start + 0.02, order.append, "second")
    loop.call_at(start + 0.01, order.append, "first")
    loop.call_later(0.03, order.append, "third")
    loop.call_later(0.015, order.append, "never").cancel()
    await asyncio.sleep(0.05)
    assert order == ["first", "second", "third"]
    assert loop.time() - start >= 0.05
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)


@on_selector
async def test_subprocesses():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import sys; print(sys.stdin.read()[::-1]); sys.exit(3)"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert await process.communicate(b"abc") == (b"cba\n", None)
    assert process.returncode == 3
    process = await asyncio.create_subprocess_shell("cat", stdin=subprocess.PIPE)
    process.terminate()
    assert await process.wait() == -signal.SIGTERM


@on_selector
async def test_a_megabyte_through_a_subprocess():
    process = await asyncio.create_subprocess_exec(
        "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    data = os.urandom(1 << 20)
    assert await process.communicate(data) == (data, None)


@on_selector
async def test_signal_handlers():
    loop = asyncio.get_running_loop()
    got = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await got.wait()
    assert loop.remove_signal_handler(signal.SIGUSR1)


def interrupt_soon(loop: asyncio.AbstractEventLoop) -> threading.Timer:
    """Interrupt this thread once the loop runs: before that, it would be the end of the tests."""
    timer = threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    loop.call_soon(timer.start)
    return timer


def test_ctrl_c_reaches_run_forever():
    loop = new_selector_loop()
    timer = interrupt_soon(loop)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    timer.join()
    loop.close()


def test_ctrl_c_cancels_the_main_task_of_a_runner():
    cancelled: list[bool] = []
    timers: list[threading.Timer] = []

    async def main() -> None:
        timers.append(interrupt_soon(asyncio.get_running_loop()))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with (
        pytest.raises(KeyboardInterrupt),
        asyncio.Runner(loop_factory=new_selector_loop) as runner,
    ):
        runner.run(main())
    timers[0].join()
    assert cancelled == [True]


def test_ctrl_c_after_the_signal_handlers_are_gone():
    """asyncio takes its wake-up descriptor away: only the interrupted wait tells of it."""
    loop = new_selector_loop()
    loop.add_signal_handler(signal.SIGUSR1, print)
    loop.remove_signal_handler(signal.SIGUSR1)
    timer = interrupt_soon(loop)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    timer.join()
    loop.close()


@on_selector
async def test_sock_calls():
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        server.setblocking(False)
        client.setblocking(False)
        accepting = asyncio.create_task(loop.sock_accept(server))
        await loop.sock_connect(client, server.getsockname())
        accepted, _ = await accepting
        with accepted:
            data = os.urandom(1 << 20)
            sending = asyncio.create_task(loop.sock_sendall(client, data))
            received = bytearray()
            while len(received) < len(data):
                received += await loop.sock_recv(accepted, 65536)
            await sending
            assert received == data
            room = bytearray(10)
            await loop.sock_sendall(accepted, b"into")
            assert await loop.sock_recv_into(client, room) == 4


@on_selector
async def test_a_refused_connection():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*taken.getsockname())


@on_selector
async def test_readers_and_writers_come_and_go():
    """Numbers of descriptors are used again at once, by other files and other callbacks."""
    loop = asyncio.get_running_loop()
    for _ in range(200):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            readable, writable = loop.create_future(), loop.create_future()
            loop.add_reader(ours, readable.set_result, "read")
            loop.add_writer(ours, lambda f=writable: f.done() or f.set_result("write"))
            assert await writable == "write"
            loop.remove_writer(ours)
            theirs.send(b"x")
            assert await readable == "read"
            assert loop.remove_reader(ours)
            assert not loop.remove_reader(ours)


@on_selector
async def test_a_callback_removes_and_closes_its_neighbour():
    """Both are ready in the same turn; the one that comes first closes the other."""
    loop = asyncio.get_running_loop()
    pairs = [socket.socketpair() for _ in range(2)]
    calls: list[int] = []

    def on_ready(index: int) -> None:
        calls.append(index)
        for ours, _ in pairs:
            loop.remove_reader(ours)
            ours.close()

    for index, (ours, theirs) in enumerate(pairs):
        loop.add_reader(ours, on_ready, index)
        theirs.send(b"x")
    await asyncio.sleep(0.02)
    assert len(calls) == 1
    for _, theirs in pairs:
        theirs.close()


@on_selector
async def test_a_descriptor_closed_behind_the_loops_back():
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    loop.add_reader(number, print)
    ours.close()
    theirs.close()
    await asyncio.sleep(0.02)
    assert loop.remove_reader(number)


def test_a_loop_and_its_selector_are_collected():
    loop = new_selector_loop()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    watched = weakref.ref(loop)
    del loop
    gc.collect()
    assert watched() is None
