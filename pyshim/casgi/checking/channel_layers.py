"""Whether the channel layers work: a message is sent through each, and received.

What it takes is a channel of its own, whose name nobody else has.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Any

from casgi.checking.django_project import settings_are_there
from casgi.checking.findings import Finding, plain

_SECONDS = 5.0
_MESSAGE = {"type": "casgi.check"}


def check_channel_layers() -> Iterator[Finding]:
    """Try every layer of CHANNEL_LAYERS, when the application uses Channels."""
    if "channels" not in sys.modules or not settings_are_there():
        return
    from channels.layers import channel_layers

    aliases = list(channel_layers.configs)
    if not aliases:
        text = "CHANNEL_LAYERS is not set: consumers cannot use groups"
        yield Finding("hint", "channel layers", text)
    yield from asyncio.run(_check_layers(aliases))


async def _check_layers(aliases: list[str]) -> list[Finding]:
    """Try all at once: each that does not answer takes its time."""
    checks = [_check_layer(f"channel layer {alias}", alias) for alias in aliases]
    return await asyncio.gather(*checks)


async def _check_layer(subject: str, alias: str) -> Finding:
    from channels.layers import channel_layers

    backend = channel_layers.configs[alias].get("BACKEND")
    try:
        layer = channel_layers.make_backend(alias)
    except Exception as error:
        text = f"{backend} cannot be made: {plain(error)}"
        return Finding("error", subject, text, "see CHANNEL_LAYERS in the settings")
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_SECONDS):
            await _send_to_self(layer)
    except TimeoutError:
        text = f"{backend} has not delivered a message within {_SECONDS:g} s: {_hosts(alias)}"
        return Finding("error", subject, text, "is that the server, and does it answer?")
    except Exception as error:
        text = f"{backend} does not work: {plain(error)}: {_hosts(alias)}"
        return Finding("error", subject, text, "is the server running, and is that its address?")
    milliseconds = (time.perf_counter() - began) * 1000
    return Finding("ok", subject, f"{backend} delivers a message in {milliseconds:.1f} ms")


async def _send_to_self(layer: Any) -> None:
    channel = await layer.new_channel("casgi.check")
    try:
        await layer.send(channel, _MESSAGE)
        await layer.receive(channel)
    finally:
        await _close(layer)


async def _close(layer: Any) -> None:
    close = getattr(layer, "close_pools", None)
    if close is not None:
        await close()


def _hosts(alias: str) -> str:
    """Return the addresses of the settings, without passwords."""
    from channels.layers import channel_layers

    hosts = channel_layers.configs[alias].get("CONFIG", {}).get("hosts", "no hosts are set")
    hosts = hosts if isinstance(hosts, list | tuple) else [hosts]
    return ", ".join(_without_password(host) for host in hosts)


def _without_password(host: Any) -> str:
    if isinstance(host, dict) and "sentinels" in host:
        return f"Sentinels {', '.join(map(_without_password, host['sentinels']))}"
    if isinstance(host, dict):
        host = host.get("address", host.get("host", "a host"))
    if isinstance(host, list | tuple):
        return ":".join(map(str, host))
    scheme, separator, rest = str(host).rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]
