"""A process that plays cases: with Channels as it is, accelerated, or with a sabotage.

Reads one JSON object a line, {"number": ..., "module": path of the source, "actions": ...,
"seed": ...}, and answers each with its number and what was seen, as one line.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import sys
from pathlib import Path

import django
from django.conf import settings

SECONDS_FOR_ONE_CASE = 120


def main(mode: str, folder: str) -> None:
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings.configure(
        SECRET_KEY="of the tests",
        ALLOWED_HOSTS=["*"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        LOGGING_CONFIG=None,
    )
    django.setup()
    silence(logging.getLogger("casgi"))
    silence(logging.getLogger("asyncio"))
    from equivalence.player import Player
    from equivalence.sabotage import SABOTAGES

    if mode in SABOTAGES:
        SABOTAGES[mode]()
    player = Player(Path(folder) / f"{mode}.sock", mode)
    for line in sys.stdin:
        faulthandler.dump_traceback_later(SECONDS_FOR_ONE_CASE, exit=True)
        order = json.loads(line)
        answer = {**player.play(order), "number": order["number"]}
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(answer), file=answers, flush=True)


def silence(logger: logging.Logger) -> None:
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.setLevel(logging.DEBUG)


if __name__ == "__main__":
    main(*sys.argv[1:])
