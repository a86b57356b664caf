"""What the sites for clients that leave share: they tell their log what happens to them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

MEGABYTES = 8
gate = asyncio.Event()


def say(word: str) -> None:
    """Put a line of its own into the log."""
    print(f"<{word}>", flush=True)


async def say_background() -> None:
    """Work as a background task."""
    say("background task")


def tell(application: Application) -> Application:
    """Return the application such that it says of each request when it begins and how it ends."""

    async def telling(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await application(scope, receive, send)
        say(f"{scope['path']} begun")
        end = "returned"
        try:
            await application(scope, receive, send)
        except BaseException as exception:
            end = f"raised {type(exception).__name__}"
            raise
        finally:
            say(f"{scope['path']} {end}")

    return telling


async def wait_for_gate() -> None:
    """Hold a response back until somebody asks for /gate."""
    say("waiting")
    await gate.wait()
    gate.clear()


async def idle_parts() -> AsyncIterator[bytes]:
    """Yield once, and then wait for what never happens."""
    try:
        yield b"part\n"
        await asyncio.Event().wait()
    finally:
        say("stream ended")


async def busy_parts() -> AsyncIterator[bytes]:
    """Yield for ever."""
    try:
        while True:
            yield b"part\n"
            await asyncio.sleep(0)
    finally:
        say("stream ended")


async def large_parts() -> AsyncIterator[bytes]:
    """Yield more than fits between the server and a client that does not read."""
    for _ in range(MEGABYTES):
        yield bytes(1024 * 1024)


def large_file() -> str:
    """Return the path of a new file of that size, which the caller's process leaves behind."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.truncate(MEGABYTES * 1024 * 1024)
    return file.name
