"""A process with an original layer, which does what it is told, one JSON line for each thing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any, Self

DEADLINE = 30.0


class OriginalProcess:
    """The test's side of the process: `ask("send", channel, message)` calls the layer."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        command = [sys.executable, __file__, kind, json.dumps(options)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Return what the method of the layer returns; "error" and a name when it raises."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


async def _serve(kind: str, options: dict[str, Any]) -> None:
    import channels_redis.core
    import channels_redis.pubsub

    classes = {
        "core": channels_redis.core.RedisChannelLayer,
        "pubsub": channels_redis.pubsub.RedisPubSubChannelLayer,
    }
    layer = classes[kind](**options)
    while line := await asyncio.to_thread(sys.stdin.readline):
        method, *arguments = json.loads(line)
        try:
            answer = await asyncio.wait_for(getattr(layer, method)(*arguments), DEADLINE)
        except Exception as error:
            answer = ["error", type(error).__name__]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], json.loads(sys.argv[2])))
