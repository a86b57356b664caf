"""What clients send: parsed and cleaned in one place, whichever way it came."""

import json
import unicodedata
from typing import Any

TEXT_LENGTH = 500
NAME_LENGTH = 30


class InvalidMessage(Exception):
    """A client's message cannot be used; the text says why, in words for its user."""


def parse_message(text_data: str | None) -> dict[str, Any]:
    """Return the JSON object in a WebSocket text message."""
    if text_data is None:
        raise InvalidMessage("Messages are JSON text, not binary.")
    try:
        message = json.loads(text_data)
    except (ValueError, RecursionError):
        raise InvalidMessage("The message is not valid JSON.") from None
    if not isinstance(message, dict):
        raise InvalidMessage("The message is not a JSON object.")
    return message


def clean_text(value: object, length: int = TEXT_LENGTH) -> str:
    """Return a person's text without what cannot be stored or shown."""
    if not isinstance(value, str):
        raise InvalidMessage("The text is missing.")
    text = "".join(character for character in value if is_allowed(character)).strip()
    if not text:
        raise InvalidMessage("The text is empty.")
    if len(text) > length:
        raise InvalidMessage(f"The text is longer than {length} characters.")
    return text


def is_allowed(character: str) -> bool:
    """Line breaks are, other control characters and halves of surrogate pairs are not."""
    return character == "\n" or unicodedata.category(character) not in ("Cc", "Cs")


def clean_id(value: object) -> int:
    """Return the id of the last message a client has, 0 for none."""
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 <= number < 2**63 else 0
