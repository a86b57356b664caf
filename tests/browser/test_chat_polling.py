"""The same room by WebSocket and by polling."""

from __future__ import annotations

import re

from people import NewPerson, Person
from playwright.sync_api import expect


def comparing(person: Person) -> Person:
    """Open the comparison of a room and wait until both sides are connected."""
    person.visit("/compare/garden/")
    for side in ("#websocket", "#polling"):
        expect(person.page.locator(f"{side} .status")).to_have_attribute("data-state", "open")
    return person


def test_polling_shows_a_message_of_the_room(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), comparing(new_person("Ben"))
    ada.enter_room("garden")
    ada.write("By WebSocket")
    ben.expect_message("By WebSocket", "#websocket")
    ben.expect_message("By WebSocket", "#polling")


def test_a_posted_message_reaches_websockets(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), comparing(new_person("Ben"))
    ada.enter_room("garden")
    ben.page.locator(".composer [name=text]").fill("By POST")
    ben.page.get_by_role("button", name="Post").click()
    ada.expect_message("By POST")
    ben.expect_message("By POST", "#websocket")
    ben.expect_message("By POST", "#polling")


def test_a_user_posts_under_the_name_of_the_account(new_person: NewPerson) -> None:
    ada = new_person("ada")
    ada.sign_up()
    comparing(ada)
    ada.page.locator(".composer [name=text]").fill("Signed")
    ada.page.get_by_role("button", name="Post").click()
    ada.expect_message("Signed", "#polling")
    expect(ada.page.locator("#polling .message")).to_have_attribute("data-author", "ada")
    expect(ada.page.locator("#polling .bubble em")).to_have_count(0)


def test_the_difference_is_counted(new_person: NewPerson) -> None:
    ben = comparing(new_person("Ben"))

    def cell(side: str, count: str) -> str:
        return f"td[data-side={side}][data-count={count}]"

    ben.page.get_by_label("Time between polls").select_option("500")
    ben.page.wait_for_function(
        "(selector) => Number(document.querySelector(selector).textContent) >= 5",
        arg=cell("polling", "requests"),
    )
    expect(ben.page.locator(cell("websocket", "requests"))).to_have_text("1")
    expect(ben.page.locator(cell("polling", "delay"))).to_have_text("–")
    ben.write("How long does it take?")
    for side in ("websocket", "polling"):
        expect(ben.page.locator(cell(side, "messages"))).to_have_text("1")
        expect(ben.page.locator(cell(side, "bytes"))).to_have_text(re.compile(r"^[1-9].* (B|kB)$"))
        expect(ben.page.locator(cell(side, "delay"))).to_have_text(re.compile(r"^\d+ ms$"))


def test_the_api_has_a_swagger_page(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.visit("/api/docs/")
    expect(ada.page.get_by_text("/api/rooms/{room}/messages/").first).to_be_visible()
