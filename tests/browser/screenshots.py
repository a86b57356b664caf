"""Takes the pictures of the chat that the README shows.

The pages are real ones: people sign up, talk and watch in browsers of their own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from chat_server import ChatServer, migrate
from people import Person, launch_browser
from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

LARGE = 120_000  # bytes
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
DESKTOP = {"viewport": {"width": 1000, "height": 700}}
PHONE = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}

ROOM = [
    ("Ada", "Good evening! Who is coming to the harbour on Saturday?"),
    ("Ben", "Me. Ferry at seven, or do we cycle?"),
    ("Chloé", "Cycling 🚲"),
    ("Chloé", "The path along the water is open again since last week."),
    ("Ada", "Then cycling it is. I bring the lemonade."),
    (
        "Ben",
        "And I bring the telescope. The fireworks begin at ten, "
        "so there is time for Saturn before.",
    ),
    ("Ada", "Perfect ✨ See you at the bridge at half past seven."),
]
DIRECT = [
    ("ada", "Psst, are you there?"),
    ("ben", "Always."),
    ("ada", "It is Chloé's birthday on Saturday. She thinks we forgot 🎂"),
    ("ben", "I ordered the cake on Monday. Lemon and poppy seed."),
    ("ada", "You are the best."),
    ("ada", "I have candles, and a box to carry it on the bike."),
    ("ben", "Then nobody says a word before the fireworks 🤫"),
]
COMMENTS = [
    ("yellow", "Here we go!"),
    ("white", "Good evening from the bridge"),
    ("pink", "So beautiful ✨"),
    ("white", "Look at the water!"),
    ("green", "That one was for Chloé 🎂"),
    ("orange", "More of the golden ones"),
    ("blue", "hello from the other side of the bay"),
    ("white", "👏👏👏"),
    ("yellow", "Encore!"),
]

POLLED_OFTEN = """
Number(document.querySelector("[data-side=polling][data-count=requests]").textContent) > 20
"""
COMMENT_PAUSE = 300  # milliseconds between two comments: one burst would stand in one column
COMMENT = """
([color, text]) => {
  const form = document.querySelector(".composer");
  form.elements.color.value = color;
  form.elements.text.value = text;
  form.requestSubmit();
}
"""


def shrink(path: Path) -> None:
    """Reduce a picture to 256 colours of its own, dithered: a third of the size."""
    image = Image.open(path).convert("RGB")
    palette = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=8)
    dithered = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    dithered.save(path, optimize=True)


class Studio:
    """A browser and a served chat, and the pictures to take of it."""

    def __init__(self, browser: Browser, server: ChatServer, folder: Path) -> None:
        """Write the pictures into a folder."""
        self.browser = browser
        self.server = server
        self.folder = folder

    def person(self, name: str, screen: dict[str, Any] = DESKTOP, dark: bool = False) -> Person:
        """Make somebody with a browser of their own."""
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        context = self.browser.new_context(locale="en-GB", color_scheme=scheme, **screen)
        return Person(context, self.server.url, name)

    def close(self) -> None:
        """Send everybody home: pages left open would slow the next scene down."""
        for context in self.browser.contexts:
            context.close()

    def take(self, person: Person, name: str) -> None:
        """Save what a person sees."""
        person.page.evaluate("document.activeElement?.blur()")
        path = self.folder / f"{name}.png"
        person.page.screenshot(path=path)
        if path.stat().st_size > LARGE:
            shrink(path)
        print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")

    def converse(self, people: list[Person], lines: list[tuple[str, str]]) -> None:
        """Let people write in turn, each after having seen the line before."""
        writers = {person.name: person for person in people}
        for name, text in lines:
            writers[name].write(text)
            for person in people:
                person.expect_message(text)

    def rooms(self) -> None:
        """A room, on a desktop and on a phone."""
        people = [self.person(name) for name in ("Ada", "Ben", "Chloé")]
        for person in people:
            person.enter_room("harbour")
        self.converse(people, ROOM)
        self.take(people[0], "room")
        phone = self.person("Ben", PHONE)
        phone.enter_room("harbour")
        phone.expect_message(ROOM[-1][1])
        self.take(phone, "room-phone")

    def direct(self) -> None:
        """A private conversation on a phone with a dark screen."""
        ada, ben = self.person("ada"), self.person("ben", PHONE, dark=True)
        for person in (ada, ben):
            person.sign_up()
        ada.talk_to(ben)
        ben.talk_to(ada)
        self.converse([ada, ben], DIRECT)
        self.take(ben, "direct-phone")

    def live(self) -> None:
        """The show with comments of many viewers."""
        viewers = [self.person(f"viewer {number}") for number in range(3)]
        for viewer in viewers:
            viewer.visit("/live/")
            viewer.expect_state("open")
        viewers[1].page.get_by_role("button", name="Pause").click()
        viewers[2].page.get_by_role("button", name="Pause").click()
        for number, (color, text) in enumerate(COMMENTS):
            writer = viewers[number % len(viewers)]
            writer.page.evaluate(COMMENT, [color, text])
            writer.page.wait_for_timeout(COMMENT_PAUSE)
        viewers[0].page.locator(".flying", has_text=COMMENTS[-1][1]).wait_for(state="attached")
        viewers[0].page.wait_for_timeout(COMMENT_PAUSE * 4)
        self.take(viewers[0], "live")

    def compare(self) -> None:
        """The room by WebSocket and by polling."""
        ada = self.person("Ada")
        ada.visit("/compare/harbour/")
        ada.page.get_by_label("Time between polls").select_option("500")
        ada.page.wait_for_function(POLLED_OFTEN)
        for text in ("Who is first?", "And now?"):
            ada.write(text)
            ada.expect_message(text, "#polling")
        self.take(ada, "compare")


@contextmanager
def studio(playwright: Playwright, module: str, images: Path) -> Iterator[Studio]:
    """Serve an empty chat as long as pictures are taken."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        migrate(folder / "chat.sqlite3")
        server = ChatServer(module, folder)
        browser = launch_browser(playwright)
        try:
            server.start()
            yield Studio(browser, server, images)
        finally:
            browser.close()
            server.stop()


def main() -> None:
    """Take all pictures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    arguments.add_argument("--server", choices=["casgi", "daphne"], default="casgi")
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as playwright,
        studio(playwright, options.server, options.folder) as work,
    ):
        for scene in (work.rooms, work.direct, work.live, work.compare):
            scene()
            work.close()


if __name__ == "__main__":
    main()
