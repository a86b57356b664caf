"""The table of what can be asked for; each noun has a file."""

from casgi.control.commands.command import Command
from casgi.control.commands.connections import CONNECTIONS, KICK, SLOW
from casgi.control.commands.groups import GROUPS
from casgi.control.commands.handlers import HANDLERS
from casgi.control.commands.limits import LIMITS, SET
from casgi.control.commands.log_level import LOG_LEVEL
from casgi.control.commands.requests import REQUESTS
from casgi.control.commands.stacks import STACKS
from casgi.control.commands.workers import DRAIN, WORKERS

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        WORKERS,
        CONNECTIONS,
        REQUESTS,
        GROUPS,
        HANDLERS,
        SLOW,
        LIMITS,
        STACKS,
        KICK,
        DRAIN,
        SET,
        LOG_LEVEL,
    )
}
