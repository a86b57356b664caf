"""People chat in rooms."""

from __future__ import annotations

import pytest
from people import NewPerson
from playwright.sync_api import expect

# What a room does shows that the chat runs on both.
pytestmark = pytest.mark.parametrize("server", ["casgi", "daphne"], indirect=True)


def test_two_people_chat_in_a_room(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("garden")
    ada.write("Is anybody here?")
    ben.expect_message("Is anybody here?")
    ben.write("I am.")
    ada.expect_message("I am.")
    expect(ada.page.locator(".message.own p")).to_have_text(["Is anybody here?"])
    expect(ben.page.locator(".message.own p")).to_have_text(["I am."])


def test_rooms_are_apart(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("kitchen")
    ada.write("Only for the garden")
    ada.expect_message("Only for the garden")
    ben.write("Only for the kitchen")
    expect(ben.bubbles()).to_have_text(["Only for the kitchen"])
    expect(ada.bubbles()).to_have_text(["Only for the garden"])


def test_the_lobby_leads_to_a_room_under_the_chosen_name(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ben.enter_room("tea-time")
    ada.visit("/rooms/")
    ada.page.get_by_label("Your name").fill("Ada the Second")
    ada.page.get_by_label("Room").fill("Tea Time!")
    ada.page.get_by_role("button", name="Enter").click()
    ada.expect_state("open")
    ada.write("Milk first?")
    ben.expect_message("Milk first?")
    expect(ben.page.locator(".bubble strong")).to_have_text("Ada the Secondguest")
    expect(ben.page.locator(".notice", has_text="Ada the Second joined")).to_have_count(1)


def test_messages_are_shown_as_text(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("garden")
    markup = "<img src=x onerror=\"document.title='broken'\"> <b>&amp;</b> 🌻 \u0000ж"
    ada.write(markup)
    shown = markup.replace("\u0000", "")
    ben.expect_message(shown)
    expect(ben.page.locator(".messages img, .messages b")).to_have_count(0)
    expect(ben.page).to_have_title("# garden")


def test_a_guest_cannot_pass_for_a_user_of_the_same_name(new_person: NewPerson) -> None:
    user, guest, reader = new_person("ada"), new_person("ada"), new_person("Ben")
    user.sign_up()
    for person in (user, guest, reader):
        person.enter_room("garden")
    user.write("I am the real one")
    reader.expect_message("I am the real one")
    guest.write("I am the real one, too")
    expect(reader.bubbles()).to_have_count(2)
    authors = reader.page.locator(".bubble strong")
    expect(authors).to_have_text(["ada", "adaguest"])
    expect(authors.nth(1)).to_be_visible()
    expect(guest.page.locator(".message.own")).to_have_count(1)


def test_messages_are_there_after_a_reload(new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("garden")
    ada.write("First")
    ben.expect_message("First")
    ben.write("Second")
    ada.expect_message("Second")
    ada.page.reload()
    ada.expect_state("open")
    expect(ada.bubbles()).to_have_text(["First", "Second"])
    ada.write("Third")
    expect(ben.bubbles()).to_have_text(["First", "Second", "Third"])


BAD_MESSAGES = [
    "this is not JSON",
    "[1, 2]",
    "{}",
    '{"text": 7}',
    '{"text": "  "}',
    '{"text": "\\ud800"}',
    '{"text": "' + "x" * 501 + '"}',
    "[" * 100_000,
    "1" * 5_000,
]

SEND_BAD_MESSAGES = """
([address, messages]) => new Promise((resolve, reject) => {
  const answers = [];
  const socket = new WebSocket(address);
  socket.onopen = () => {
    for (const text of messages) socket.send(text);
    socket.send(new Uint8Array([1, 2]));
  };
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(data);
    if (answer.type === "error") answers.push(answer.text);
    if (answers.length === messages.length + 1) resolve(answers);
  };
  socket.onclose = () => reject(new Error("closed after " + answers.length));
})
"""


def test_bad_messages_are_answered_with_errors(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.enter_room("garden")
    address = ada.url.replace("http", "ws") + "/ws/rooms/garden/?name=Ada"
    answers = ada.page.evaluate(SEND_BAD_MESSAGES, [address, BAD_MESSAGES])
    assert len(answers) == len(BAD_MESSAGES) + 1
    assert answers[0] == "The message is not valid JSON."
    assert answers[-1] == "Messages are JSON text, not binary."
    ada.write("Still here")
    ada.expect_message("Still here")
