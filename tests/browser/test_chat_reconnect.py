"""The pages say how the connection is, and come back when the server does."""

from __future__ import annotations

from chat_server import ChatServer
from people import NewPerson
from playwright.sync_api import expect

# A WebSocket that does not begin before the test calls `connect()`.
HOLD_WEBSOCKETS = """
const Real = WebSocket;
window.WebSocket = class extends EventTarget {
  constructor(address) {
    super();
    window.connect = () => {
      const socket = new Real(address);
      this.send = (text) => socket.send(text);
      const pass = ({ type, data }) => this.dispatchEvent(Object.assign(new Event(type), { data }));
      for (const type of ["open", "message", "close"]) socket.addEventListener(type, pass);
    };
  }
};
"""


def test_pages_reconnect_to_a_restarted_server(server: ChatServer, new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("garden")
    ada.write("Before")
    ben.expect_message("Before")

    server.stop()
    for person in (ada, ben):
        person.expect_state("reconnecting")
        expect(person.status()).to_have_text("reconnecting")
        expect(person.page.get_by_role("button", name="Send")).to_be_disabled()
    ada.write("Kept in the form")
    expect(ada.page.locator(".composer [name=text]")).to_have_value("Kept in the form")

    server.start()
    for person in (ada, ben):
        person.expect_state("open")
        expect(person.page.get_by_role("button", name="Send")).to_be_enabled()
    ada.page.locator(".composer [name=text]").press("Enter")
    ben.expect_message("Kept in the form")
    ben.write("After")
    expect(ada.bubbles()).to_have_text(["Before", "Kept in the form", "After"])


# Lets a test end the connection as the page has it, and send in the same moment.
KNOW_THE_WEBSOCKET = """
window.WebSocket = class extends WebSocket {
  constructor(address) {
    super(address);
    window.socket = this;
  }
};
"""
CLOSE_AND_SEND = "socket.close(); document.querySelector('.composer').requestSubmit()"


def test_what_is_sent_while_the_connection_closes_is_kept(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.page.add_init_script(KNOW_THE_WEBSOCKET)
    ada.enter_room("garden")
    field = ada.page.locator(".composer [name=text]")
    field.fill("Too late")
    ada.page.evaluate(CLOSE_AND_SEND)
    ada.page.wait_for_function("socket.readyState === socket.OPEN")
    ada.expect_state("open")
    expect(field).to_have_value("Too late")
    field.press("Enter")
    ada.expect_message("Too late")


def test_what_was_missed_comes_after_the_reconnection(
    server: ChatServer, new_person: NewPerson
) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ada.write("Before")
    ada.expect_message("Before")
    ada.page.context.set_offline(True)
    server.stop()
    ada.expect_state("reconnecting")
    server.start()
    ben.enter_room("garden")
    ben.write("While Ada was away")
    ben.expect_message("While Ada was away")
    ada.page.context.set_offline(False)
    expect(ada.bubbles()).to_have_text(["Before", "While Ada was away"])


def test_private_conversations_reconnect(server: ChatServer, new_person: NewPerson) -> None:
    ada, ben = new_person("ada"), new_person("ben")
    ada.sign_up()
    ben.sign_up()
    ada.talk_to(ben)
    ben.talk_to(ada)
    server.stop()
    ada.page.locator(".conversation .status[data-state=reconnecting]").wait_for()
    server.start()
    for person in (ada, ben):
        person.page.locator(".conversation .status[data-state=open]").wait_for()
    ada.write("Still us")
    ben.expect_message("Still us")


def test_connecting_is_shown_until_the_connection_is_open(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    ada.page.add_init_script(HOLD_WEBSOCKETS)
    ada.visit("/rooms/garden/")
    ada.expect_state("connecting")
    expect(ada.page.get_by_role("button", name="Send")).to_be_disabled()
    ada.page.evaluate("connect()")
    ada.expect_state("open")
    expect(ada.status()).to_have_text("connected")
