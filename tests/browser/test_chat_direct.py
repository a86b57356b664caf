"""Logged-in users chat in private."""

from __future__ import annotations

from people import NewPerson, Person
from playwright.sync_api import expect


def signed_up(new_person: NewPerson, *names: str) -> list[Person]:
    """Make people with accounts."""
    people = [new_person(name) for name in names]
    for person in people:
        person.sign_up()
    return people


def received_by(person: Person) -> list[str]:
    """Record every WebSocket message that a person's browser gets from now on."""
    frames: list[str] = []
    person.page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda payload: frames.append(str(payload))),
    )
    return frames


def test_two_chat_in_private_while_a_third_sees_nothing(new_person: NewPerson) -> None:
    ada, ben, eve = signed_up(new_person, "ada", "ben", "eve")
    frames = received_by(eve)
    ada.talk_to(ben)
    ben.talk_to(ada)
    eve.talk_to(ada)
    ada.write("The key is under the mat")
    ben.expect_message("The key is under the mat")
    ben.write("Thank you")
    ada.expect_message("Thank you")

    # A message to eve comes through the same server afterwards: what she was to get, she has.
    ada.talk_to(eve)
    ada.write("Hello, Eve")
    eve.expect_message("Hello, Eve")
    expect(eve.bubbles()).to_have_text(["Hello, Eve"])
    assert "Hello, Eve" in "".join(frames)
    assert "mat" not in "".join(frames)
    eve.talk_to(ben)
    eve.write("Psst")
    expect(eve.bubbles()).to_have_text(["Psst"])
    eve.visit("/direct/")
    expect(eve.page.get_by_text("under the mat")).to_have_count(0)
    assert "mat" not in "".join(frames)


def test_private_messages_are_there_after_a_reload(new_person: NewPerson) -> None:
    ada, ben = signed_up(new_person, "ada", "ben")
    ada.talk_to(ben)
    ada.write("Read this tomorrow")
    ada.expect_message("Read this tomorrow")
    ben.talk_to(ada)
    ben.expect_message("Read this tomorrow")
    ben.write("It is tomorrow")
    ada.expect_message("It is tomorrow")
    for person in (ada, ben):
        person.page.reload()
        person.expect_state("open")
        expect(person.bubbles()).to_have_text(["Read this tomorrow", "It is tomorrow"])


def test_the_list_of_people_shows_a_new_message(new_person: NewPerson) -> None:
    ada, ben, eve = signed_up(new_person, "ada", "ben", "eve")
    ben.talk_to(eve)
    ada.talk_to(ben)
    ada.write("Over here")
    expect(ben.page.locator(".person.unread")).to_have_attribute("data-name", "ada")
    expect(ben.page.locator(".person.unread .last")).to_have_text("Over here")
    ben.page.locator(".person.unread").click()
    ben.expect_message("Over here")


def test_who_is_not_logged_in_is_turned_away(new_person: NewPerson) -> None:
    stranger = new_person("Stranger")
    stranger.visit("/direct/")
    expect(stranger.page).to_have_url(f"{stranger.url}/accounts/login/?next=/direct/")
    address = stranger.url.replace("http", "ws") + "/ws/direct/"
    code = stranger.page.evaluate(
        """(address) => new Promise((resolve) => {
             const socket = new WebSocket(address);
             socket.onopen = () => resolve("open");
             socket.onclose = ({ code }) => resolve(code);
           })""",
        address,
    )
    assert code == 1006


def test_logging_out_and_in_again(new_person: NewPerson) -> None:
    (ada,) = signed_up(new_person, "ada")
    ada.page.get_by_role("button", name="Log out").click()
    expect(ada.page.locator(".username")).to_have_count(0)
    ada.log_in()
    expect(ada.page.locator(".username")).to_have_text("ada")
