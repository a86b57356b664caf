"""Loads a case's module, plays the case, and forgets the module."""

from __future__ import annotations

import gc
import importlib.util
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from channels.layers import InMemoryChannelLayer, channel_layers

from equivalence.codec import rebuilt
from equivalence.jitter import jitter
from equivalence.quiet_loop import QuietLoop
from equivalence.stage import Stage
from equivalence.turns import seen_waiting

GARBAGE_EVERY = 50


class Player:
    def __init__(self, socket: Path, mode: str) -> None:
        self.socket = socket
        self.mode = mode
        self.played = 0

    def play(self, order: dict[str, Any]) -> dict[str, Any]:
        self.played += 1
        channel_layers.set("default", InMemoryChannelLayer(capacity=order["capacity"]))
        loop = QuietLoop()
        try:
            with (
                seen_waiting(),
                jitter(order["seed"], loop),
                loaded(Path(order["module"])) as module,
            ):
                stage = Stage(loop, module, str(self.socket), self.mode)
                stage.leaves_groups_early = bool(order["seed"])
                return stage.play(rebuilt(order["actions"]))
        finally:
            loop.close()
            if self.played % GARBAGE_EVERY == 0:
                gc.collect()


@contextmanager
def loaded(path: Path) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[path.stem]
        linecache.cache.pop(str(path), None)
