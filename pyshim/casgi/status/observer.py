"""What a process notes of itself while --metrics or --control asks: see csrc/base/observations.h.

Times are noted by the core as they come; values are looked at when it says so, once a second.
"""

import sys
from functools import partial

from casgi import _core
from casgi.status.routes import DjangoRoutes


class Observer:
    """Notes into a slot of a scoreboard, of one process or of all workers.

    begin() and end() are called in the loop.
    """

    def __init__(self, scoreboard: _core.Scoreboard, slot: int) -> None:
        """Take where to note."""
        self._scoreboard = scoreboard
        self._slot = slot
        self._routes = DjangoRoutes()

    def begin(self, core: _core.Server) -> None:
        """Begin, when the server listens and the application is imported."""
        self._scoreboard.watch(core, self._slot, partial(self._look, core))
        self._routes.begin(core)
        self._look(core)

    def end(self) -> None:
        """End what closing the core does not end. Can be called again."""
        self._routes.end()

    def _look(self, core: _core.Server) -> None:
        self._scoreboard.note(self._slot, _values(core))


def _values(core: _core.Server) -> dict[str, int]:
    totals = [core.group_totals()]
    values = {
        "websockets": core.websockets,
        "tasks": core.tasks,
        "unsent_bytes": core.unsent_bytes(),
        "python_blocks": sys.getallocatedblocks(),
    }
    # What is not imported has nothing to say.
    if (local := sys.modules.get("casgi.channels.local")) is not None:
        for channels in local.all_local_channels():
            totals.append(channels.group_totals())
            waiting = sum(channels.sizes().values())
            values["channel_messages"] = values.get("channel_messages", 0) + waiting
            values["layer_dropped"] = values.get("layer_dropped", 0) + channels.dropped
            values["layer_gaps"] = values.get("layer_gaps", 0) + channels.gaps
    if (django := sys.modules.get("casgi.django.acceleration")) is not None:
        counts = django.acceleration.thread_counts()
        values["threads"] = counts["threads"]
        values["threads_waiting"] = counts["waiting"]
        values["thread_waits"] = counts["waited"]
    values["groups"] = sum(groups for groups, _, _ in totals)
    values["group_members"] = sum(members for _, members, _ in totals)
    values["largest_group"] = max(largest for _, _, largest in totals)
    return values
