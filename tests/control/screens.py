"""What stands on the screen of a Textual application, as text."""

import asyncio
import re
import time

SECONDS = 60.0
"""Drawing takes a while where many draw."""


def screen_text(app) -> str:
    """Return the lines of the screen, as they are drawn."""
    # The public way is a picture, of which each costs a tenth of a second.
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def wait_for_screen(pilot, pattern: str, *, gone: bool = False) -> None:
    """Wait until the screen shows a pattern, or does not any more."""
    deadline = time.monotonic() + SECONDS
    while bool(re.search(pattern, screen_text(pilot.app), re.MULTILINE)) == gone:
        shown = screen_text(pilot.app)
        assert time.monotonic() < deadline, (
            f"{pattern!r} {'stays' if gone else 'missing'}:\n{shown}"
        )
        await asyncio.sleep(0.02)
