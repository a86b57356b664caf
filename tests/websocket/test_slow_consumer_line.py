"""How the line about a slow consumer names a user: by what is known, running none of its code."""

from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject
from starlette.authentication import SimpleUser, UnauthenticatedUser

from casgi.slow_consumer import describe_user


class Account:
    """A user as Django's are, that asks a database when it is looked at."""

    USERNAME_FIELD = "email"

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the database is asked for {name}")

    def __str__(self) -> str:
        raise AssertionError("the database is asked")

    __repr__ = __str__


class AnonymousUser:
    """As Django's: its name is an attribute of the class."""

    username = ""


class HasSlots:
    """Has no attributes that could be read without running code."""

    __slots__ = ("username",)


class Hostile:
    """Lies about everything that can be overridden."""

    USERNAME_FIELD = property(lambda self: 1 / 0)

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"code of the project is run for {name}")


def load() -> Any:
    raise AssertionError("the lazy user is loaded")


def loaded(user: Any) -> SimpleLazyObject:
    lazy = SimpleLazyObject(lambda: user)
    assert lazy.__class__ is type(user)  # which loads it
    return lazy


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (None, "unknown"),
        ("ann", "ann"),
        ("", "str"),
        (7, "int"),
        ({"name": "ann"}, "dict"),
        (SimpleUser("ann"), "ann"),
        (UnauthenticatedUser(), "UnauthenticatedUser"),
        (AnonymousUser(), "AnonymousUser"),
        (HasSlots(), "HasSlots"),
        (Account(email="ann@example.org", username="x"), "ann@example.org"),
        (Account(), "Account"),
        (Account(email=Account()), "Account"),
        (SimpleLazyObject(load), "not loaded"),
        (loaded(Account(email="ann")), "ann"),
        (loaded(AnonymousUser()), "AnonymousUser"),
        (Hostile(), "Hostile"),
        ("an\nn\x1b[1m", "an\\x0an\\x1b[1m"),
        ('an"n\\', "an\\x22n\\x5c"),
        ("\ud800", "\\xed\\xa0\\x80"),
        ("\u202eann", "\\xe2\\x80\\xaeann"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_name_of_a_user(user: Any, name: str) -> None:
    assert describe_user(user) == name
