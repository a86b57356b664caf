"""What people do on the pages of the chat."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

# Playwright's own when None.
CHROMIUM = shutil.which("chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a long enough phrase"
TIMEOUT = 45_000


def launch_browser(playwright: Playwright) -> Browser:
    """Start Chromium without a window: the system's, or else playwright's own."""
    expect.set_options(timeout=TIMEOUT)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)


class Person:
    """Somebody with a browser of their own: separate cookies and storage."""

    def __init__(self, context: BrowserContext, url: str, name: str) -> None:
        """Open a page; a guest goes by the given name."""
        context.set_default_timeout(TIMEOUT)
        context.add_init_script(
            f"localStorage.getItem('chat.name') || localStorage.setItem('chat.name', '{name}')"
        )
        self.name = name
        self.url = url
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def visit(self, path: str) -> None:
        """Open a page of the chat."""
        self.page.goto(self.url + path)

    def sign_up(self) -> None:
        """Make an account with the form."""
        self.visit("/accounts/signup/")
        self.page.locator("[name=username]").fill(self.name)
        self.page.locator("[name=password1]").fill(PASSWORD)
        self.page.locator("[name=password2]").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page.locator(".people")).to_be_visible()

    def log_in(self) -> None:
        """Log in to an account that is there."""
        self.visit("/accounts/login/")
        self.page.locator("[name=username]").fill(self.name)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("main").get_by_role("button", name="Log in").click()
        expect(self.page.locator(".people")).to_be_visible()

    def enter_room(self, room: str) -> None:
        """Open a room and wait for its connection."""
        self.visit(f"/rooms/{room}/")
        self.expect_state("open")

    def talk_to(self, other: Person) -> None:
        """Open the conversation with somebody and wait for its connection."""
        self.visit(f"/direct/{quote(other.name)}/")
        self.expect_state("open")

    def write(self, text: str) -> None:
        """Write a message and send it with the Enter key."""
        field = self.page.locator(".composer [name=text]")
        field.fill(text)
        field.press("Enter")

    def status(self) -> Locator:
        """Return the badge that shows the state of the connection."""
        return self.page.locator(".status[role=status]").first

    def expect_state(self, state: str) -> None:
        """Wait until the page shows a state of its connection."""
        expect(self.status()).to_have_attribute("data-state", state)

    def bubbles(self, within: str = "") -> Locator:
        """Return the texts of the messages on the page."""
        return self.page.locator(f"{within} .message .bubble p")

    def expect_message(self, text: str, within: str = "") -> None:
        """Wait until exactly one message with this text is on the page."""
        expect(self.bubbles(within).filter(has_text=text)).to_have_count(1)


NewPerson = Callable[..., Person]
