"""The chat for people who do not see it well, have no mouse, or a small screen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from people import NewPerson, Person
from playwright.sync_api import expect

# Pages are the same under any server.
pytestmark = pytest.mark.parametrize("server", ["casgi"], indirect=True)

PAGES_OF_USERS = (
    *("/", "/rooms/", "/rooms/garden/", "/direct/", "/direct/ben/", "/live/", "/compare/garden/"),
)
PAGES_OF_GUESTS = ("/rooms/?room=!!!", "/accounts/login/", "/accounts/signup/")
SCREENS = {
    "phone": {"viewport": {"width": 320, "height": 640}, "color_scheme": "light"},
    "dark phone": {"viewport": {"width": 390, "height": 780}, "color_scheme": "dark"},
    "desktop": {"viewport": {"width": 1280, "height": 700}, "color_scheme": "light"},
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TAGS = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
CUT_OFF = """
() => [...document.querySelectorAll(".top a, .top button, header > *, button, input, textarea")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.textContent.trim() || element.name, element.getBoundingClientRect()])
  .filter(([, { left, right }]) => left < 0 || right > document.documentElement.clientWidth)
  .map(([name]) => name)
"""

# Notes where a comment is to be: it is gone after a while.
NOTE_PLACES = """
() => {
  const note = ([{ addedNodes: [comment] }]) => {
    if (!comment) return;
    const [{ effect }] = comment.getAnimations();
    window.places = effect.getKeyframes().map((key) => key.transform);
  };
  new MutationObserver(note).observe(document.querySelector(".comments"), { childList: true });
}
"""


def pages(new_person: NewPerson, screen: str) -> Iterator[tuple[Person, str]]:
    """Yield a user who has messages on each of their pages, then a guest; both have the screen."""
    ada, ben = new_person("ada", **SCREENS[screen]), new_person("ben")
    ada.sign_up()
    ben.sign_up()
    ada.talk_to(ben)
    ada.write("Psst")
    ada.expect_message("Psst")
    for person in (ada, ben):
        person.enter_room("garden")
        person.write(f"I am {person.name}")
        person.expect_message(f"I am {person.name}")
    guest = new_person("Guest", **SCREENS[screen])
    for person, paths in ((ada, PAGES_OF_USERS), (guest, PAGES_OF_GUESTS)):
        for path in paths:
            person.visit(path)
            for badge in person.page.locator(".status[role=status]").all():
                expect(badge).to_have_attribute("data-state", "open")
            yield person, path


def violations(person: Person) -> list[str]:
    """Return what axe-core finds on the page, an element a line."""
    found = Axe().run(person.page, options=TAGS).response["violations"]
    return [f"{one['id']}: {node['html'][:150]}" for one in found for node in one["nodes"]]


@pytest.mark.timeout(300)  # There are ten of them, and each check is long for a busy machine.
@pytest.mark.parametrize("screen", SCREENS)
def test_pages_pass_the_checks_and_nothing_is_cut_off(new_person: NewPerson, screen: str) -> None:
    found = {}
    for person, path in pages(new_person, screen):
        found[path] = [*violations(person), *person.page.evaluate(CUT_OFF)]
        if not person.page.evaluate("innerWidth >= document.documentElement.scrollWidth"):
            found[path].append("the page is wider than the screen")
    assert {path: what for path, what in found.items() if what} == {}


def test_every_page_has_one_main_heading(new_person: NewPerson) -> None:
    for person, _ in pages(new_person, "desktop"):
        expect(person.page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize("path", ["/rooms/garden/", "/live/", "/compare/garden/"])
def test_whoever_comes_can_write_at_once(new_person: NewPerson, path: str) -> None:
    ada = new_person("Ada")
    ada.visit(path)
    expect(ada.page.locator(".composer [name=text]")).to_be_focused()
    ada.expect_state("open")
    ada.page.keyboard.type("Typed at once")
    expect(ada.page.locator(".composer [name=text]")).to_have_value("Typed at once")


def test_keyboard_reaches_and_scrolls_the_messages(new_person: NewPerson) -> None:
    ada = new_person("Ada", **SCREENS["phone"])
    ada.enter_room("garden")
    for number in range(12):
        ada.write(f"Line {number}")
        ada.expect_message(f"Line {number}")
    messages = ada.page.locator(".messages")
    ada.page.keyboard.press("Shift+Tab")
    expect(messages).to_be_focused()
    end = messages.evaluate("(list) => list.scrollTop")
    ada.page.keyboard.press("Home")
    ada.page.wait_for_function(
        "(end) => document.querySelector('.messages').scrollTop < end / 2", arg=end
    )


def test_length_is_counted_as_the_server_counts(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.enter_room("garden")
    counter = ada.page.locator(".counter")
    field = ada.page.locator(".composer [name=text]")
    expect(counter).to_have_text("0 / 500")
    field.fill("🌻" * 500)
    expect(counter).to_have_text("500 / 500")
    field.press("Enter")
    ada.expect_message("🌻" * 500)
    expect(counter).to_have_text("0 / 500")
    field.fill("x" * 502)
    expect(counter).to_have_text("502 / 500")
    field.press("Enter")
    expect(field).to_have_js_property("validationMessage", "This is too long by 2 characters.")
    expect(field).to_have_value("x" * 502)
    expect(ada.bubbles()).to_have_count(1)


def test_nothing_moves_for_who_prefers_that(new_person: NewPerson) -> None:
    ada = new_person("Ada", reduced_motion="reduce")
    ada.visit("/live/")
    ada.expect_state("open")
    expect(ada.page.get_by_role("button", name="Play")).to_be_visible()
    ada.page.evaluate(NOTE_PLACES)
    ada.write("I stand still")
    places = ada.page.wait_for_function("window.places").json_value()
    assert len(places) == 2
    assert places[0] == places[1]
    moving = "() => document.getAnimations().filter((one) => one.animationName).length"
    assert ada.page.evaluate(moving) == 0


def test_without_scripts_pages_say_what_they_need(new_person: NewPerson) -> None:
    ada = new_person("Ada", java_script_enabled=False)
    ada.visit("/rooms/garden/")
    expect(ada.page.locator("noscript p")).to_be_visible()
    ada.visit("/rooms/?room=Tea+Time!")
    expect(ada.page).to_have_url(f"{ada.url}/rooms/tea-time/")


def test_browsers_that_ask_for_the_icon_get_it(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.visit("/")
    icon = ada.page.request.get(f"{ada.url}/favicon.ico")
    assert (icon.status, icon.headers["content-type"]) == (200, "image/svg+xml")


def test_send_and_post_say_what_they_do(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.visit("/compare/garden/")
    for name, way in (("Send by WebSocket", "open already"), ("Post by HTTP", "HTTP request")):
        button = ada.page.get_by_role("button", name=name)
        expect(button).to_have_accessible_description(re.compile(way))
