"""What asks and shows above the tables of `casgi top`."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

_STYLE = """
{name} {{ align: center middle; }}
{name} > Vertical {{ width: 70; height: auto; border: round $primary; padding: 0 1; }}
{name} > VerticalScroll {{ width: 90%; height: 90%; border: round $primary; padding: 0 1; }}
"""


class Confirmation(ModalScreen[bool]):
    """Asks whether something shall be done."""

    DEFAULT_CSS = _STYLE.format(name="Confirmation")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        """Take the question."""
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Return what is shown."""
        with Vertical():
            yield Static(Text(f"{self._question}\n\ny yes   n no"))

    def action_answer(self, answer: bool) -> None:
        """Go back with the answer."""
        self.dismiss(answer)


class Question(ModalScreen[str | None]):
    """Asks for a line of text; None when there shall be none."""

    DEFAULT_CSS = _STYLE.format(name="Question")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    def __init__(self, question: str, value: str = "") -> None:
        """Take the question, and what the answer is unless it is changed."""
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        """Return what is shown."""
        with Vertical():
            yield Static(Text(self._question))
            yield Input(self._value, compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back with the answer."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Go back without one."""
        self.dismiss(None)


class Page(ModalScreen[None]):
    """Shows a text that is longer than the screen."""

    DEFAULT_CSS = _STYLE.format(name="Page")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "leave", "Back")]

    def __init__(self, text: str) -> None:
        """Take the text."""
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Return what is shown."""
        with VerticalScroll():
            yield Static(Text(self._text))

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
