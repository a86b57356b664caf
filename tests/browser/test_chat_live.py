"""Comments fly over the show."""

from __future__ import annotations

from people import NewPerson, Person
from playwright.sync_api import expect


def watching(person: Person) -> Person:
    """Open the show and wait for the connection."""
    person.visit("/live/")
    person.expect_state("open")
    person.page.evaluate(NOTE_FLIGHTS)
    return person


# Notes how what has moved to the left looks: it may be gone before the test asks.
NOTE_FLIGHTS = """
() => {
  const lefts = {};
  window.flown = {};
  setInterval(() => {
    for (const comment of document.querySelectorAll(".flying")) {
      const { textContent: text, className } = comment;
      const { left } = comment.getBoundingClientRect();
      if (left < lefts[text]) window.flown[text] = className;
      lefts[text] = left;
    }
  }, 50);
}
"""


# Notes what is said to be wrong: it is gone after a while.
NOTE_ERRORS = """
() => {
  window.errors = "";
  const line = document.querySelector(".composer .error");
  const note = () => (window.errors += line.textContent);
  new MutationObserver(note).observe(line, { childList: true });
}
"""

WRITE_AT_ONCE = """
(texts) => {
  const form = document.querySelector(".composer");
  for (const text of texts) {
    form.elements.text.value = text;
    form.requestSubmit();
  }
}
"""

OVERLAPS_OF = """
(many) => {
  const all = [...document.querySelectorAll(".flying")];
  const boxes = all.map((element) => element.getBoundingClientRect());
  if (boxes.length < many) return false;
  const beside = (a, b) => a.right <= b.left || b.right <= a.left;
  const apart = (a, b) => beside(a, b) || a.bottom <= b.top || b.bottom <= a.top;
  window.overlaps = boxes.filter((a, i) => boxes.some((b, j) => i < j && !apart(a, b))).length;
  return true;
}
"""


# Holds the page up each time that a comment is told to fly, as a slow machine does.
SLOW_TO_SHOW = """
() => {
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (...how) {
    const animation = animate.apply(this, how);
    for (const since = performance.now(); performance.now() < since + 1500; );
    return animation;
  };
}
"""

ONE_LANE = """() => (document.querySelector(".comments").style.height = "50px")"""


def expect_flight(person: Person, text: str, color: str) -> None:
    """Wait until a comment of a color has moved to the left."""
    flown = "([text, look]) => window.flown[text] === look"
    person.page.wait_for_function(flown, arg=[text, f"flying {color}"], polling=100)


def test_a_comment_flies_on_two_screens(new_person: NewPerson) -> None:
    ada, ben = watching(new_person("Ada")), watching(new_person("Ben"))
    ada.page.get_by_label("pink").check()
    ada.write("What a show!")
    for person in (ada, ben):
        expect_flight(person, "What a show!", "pink")
    expect(ben.page.locator(".flying")).to_have_count(0)  # it leaves the screen at its other side


def test_comments_of_one_moment_do_not_overlap(new_person: NewPerson) -> None:
    ada, ben = watching(new_person("Ada")), watching(new_person("Ben"))
    ada.page.evaluate(WRITE_AT_ONCE, ["one", "two", "three", "four"])
    ben.page.wait_for_function(OVERLAPS_OF, arg=4, polling=50)
    assert ben.page.evaluate("window.overlaps") == 0


def test_comments_of_a_slow_machine_do_not_overlap(new_person: NewPerson) -> None:
    ada, ben = watching(new_person("Ada")), watching(new_person("Ben"))
    ben.page.evaluate(ONE_LANE)
    ben.page.evaluate(SLOW_TO_SHOW)
    ada.page.evaluate(WRITE_AT_ONCE, ["one", "two"])
    ben.page.wait_for_function(OVERLAPS_OF, arg=2, polling=50)
    assert ben.page.evaluate("window.overlaps") == 0


def test_too_many_comments_are_refused(new_person: NewPerson) -> None:
    ada = watching(new_person("Ada"))
    ada.page.evaluate(NOTE_ERRORS)
    # So many that there are too many, too, when each second that the server is held up allows one.
    ada.page.evaluate(WRITE_AT_ONCE, [f"comment {number}" for number in range(50)])
    ada.page.wait_for_function("window.errors.includes('Too fast')", polling=100)


def test_the_show_plays_and_pauses(new_person: NewPerson) -> None:
    ada = watching(new_person("Ada"))
    picture = "() => document.querySelector('canvas').toDataURL()"
    playing = ada.page.evaluate(picture)
    ada.page.wait_for_function(f"(before) => ({picture})() !== before", arg=playing)
    ada.page.get_by_role("button", name="Pause").click()
    paused = ada.page.evaluate(picture)
    ada.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    assert ada.page.evaluate(picture) == paused
