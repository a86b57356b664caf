"""Groups of channel layers and of the extension `websocket.group`: how many members they have."""

import sys
from collections import Counter

from casgi import _core
from casgi.control.commands.command import MOST, Command, most_of
from casgi.control.process import Process
from casgi.control.protocol import Arguments, Row


def group_sizes(core: _core.Server) -> Counter[str]:
    """Return the members of each group that are in this process."""
    sizes = Counter(core.group_sizes())
    # Not imported for its own sake: it imports Channels.
    layers = sys.modules.get("casgi.channels.local")
    for local in layers.all_local_channels() if layers is not None else ():
        sizes.update({name: local.size(name) for name in local.groups()})
    return sizes


def _groups(process: Process, arguments: Arguments) -> list[Row]:
    sizes = group_sizes(process.core)
    return [{"group": name, "members": size, "workers": 1} for name, size in sizes.items()]


def _gather(rows: list[Row], arguments: Arguments) -> list[Row]:
    members: Counter[str] = Counter()
    workers: Counter[str] = Counter()
    for row in rows:
        members[row["group"]] += row["members"]
        workers[row["group"]] += row["workers"]
    gathered = [
        {"group": name, "members": size, "workers": workers[name]} for name, size in members.items()
    ]
    return most_of(gathered, "members", arguments)


GROUPS = Command(
    name="groups",
    help="List groups, the largest first, with their members in this server's processes.",
    parameters=(MOST,),
    columns=("group", "members", "workers"),
    in_process=_groups,
    gather=_gather,
)
