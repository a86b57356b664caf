"""Cookies of a program: what clients send, what views and middleware set, and Django's own."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

from django.contrib import messages
from django.middleware import csrf
from django.utils import crypto

NOW = 1_800_000_000.0

SENT = (
    b"plain=1",
    b"plain=1; plain=2; other=3",
    b'quoted="a b\\073c"; last="',
    b"=; ;; no value; =nameless; plain",
    b"latin=\xe9\xff; utf8=\xc3\xa9",
    b"signed=1:forged:forged; sessionid=forged; csrftoken=short; messages=forged",
    b"plain=" + b"x" * 5000,
    b"a,b=1, c=2; $Version=1; plain=1; Path=/",
)
"""Malformed ones too."""

ACTS: dict[str, Any] = {
    "set": lambda request, response: response.set_cookie("plain", "set"),
    "set_all": lambda request, response: response.set_cookie(
        "all", "a; b=c", 60, path="/x", domain="example.org", secure=True, httponly=True
    ),
    "set_strict": lambda request, response: response.set_cookie("strict", "é", samesite="Strict"),
    "several": lambda request, response: [
        response.set_cookie(name, name) for name in ("z", "plain", "a", "z")
    ],
    "signed": lambda request, response: response.set_signed_cookie("signed", "1", salt="s"),
    "delete": lambda request, response: response.delete_cookie("plain"),
    "delete_unset": lambda request, response: response.delete_cookie("never", path="/x"),
    "morsel": lambda request, response: response.cookies.load("raw=1; Path=/raw"),
    "session": lambda request, response: _count(request),
    "flush": lambda request, response: request.session.flush(),
    "expiry": lambda request, response: request.session.set_expiry(60),
    "message": lambda request, response: messages.warning(request, "note"),
    "token": lambda request, response: response.headers.__setitem__(
        "X-Token", csrf.get_token(request)
    ),
    "rotate": lambda request, response: csrf.rotate_token(request),
}
NEED_SESSION = {"session", "flush", "expiry"}

DJANGOS = {
    "sessions": "django.contrib.sessions.middleware.SessionMiddleware",
    "csrf": "django.middleware.csrf.CsrfViewMiddleware",
    "messages": "django.contrib.messages.middleware.MessageMiddleware",
}
SETTINGS = {
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "MESSAGE_STORAGE": "django.contrib.messages.storage.cookie.CookieStorage",
}


class Cookies:
    """What a program has to do with cookies.

    Attributes:
        own: those middleware of Django that are there, by their short names, in order.
        view: what the view does to its response.
        middleware: what else does, by the middleware's name.
        sent: what the first request brings.

    """

    def __init__(self, seed: int, middleware: list[str]) -> None:
        chosen = random.Random(f"cookies of {seed}")
        self.own = [name for name in DJANGOS if chosen.random() < 0.6]
        self.at = chosen.random()
        acts = [act for act in ACTS if act not in NEED_SESSION or "sessions" in self.own]
        self.view = chosen.sample(acts, chosen.randint(0, 5))
        self.middleware = {name: chosen.choice(acts) for name in middleware}
        self.sent = chosen.sample(SENT, chosen.randint(0, 2))

    def __repr__(self) -> str:
        return f"Cookies({vars(self)})"

    def stack(self, others: list[str]) -> list[str]:
        """Return Django's own middleware among the others."""
        at = int(self.at * (len(others) + 1))
        return [*others[:at], *(DJANGOS[name] for name in self.own), *others[at:]]


def act(name: str, request: Any, response: Any) -> None:
    """Do it, if there is a response and the middleware that it is for has seen the request."""
    if name in NEED_SESSION and not hasattr(request, "session"):
        return
    if name == "message" and not hasattr(request, "_messages"):
        return
    if hasattr(response, "set_cookie"):
        ACTS[name](request, response)


def told(request: Any) -> str:
    """Return what a request brings."""
    signed = request.get_signed_cookie("signed", default=None, salt="s")
    session = dict(request.session) if hasattr(request, "session") else None
    notes = [str(note) for note in getattr(request, "_messages", ())]
    return f"cookies {list(request.COOKIES.items())} {signed} {session} {notes}"


def _count(request: Any) -> None:
    request.session["count"] = request.session.get("count", 0) + 1


class Jar:
    """The client's."""

    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent
        self._kept: dict[str, str] = {}

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return those of the next request."""
        kept = "; ".join(f"{name}={value}" for name, value in self._kept.items()).encode()
        sent, self._sent = [*self._sent, *([kept] if kept else [])], []
        token = self._kept.get("csrftoken")
        found = [(b"cookie", each) for each in sent]
        return [*found, (b"x-csrftoken", token.encode())] if token else found

    def take(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Keep what a response sets, however long it may be kept."""
        for name, value in headers:
            if name.lower() == b"set-cookie":
                for key, morsel in SimpleCookie(value.decode("latin1")).items():
                    self._kept[key] = morsel.coded_value


@contextlib.contextmanager
def known_values(seed: int) -> Iterator[None]:
    """Have what is signed and what is random be the same each time."""
    clock, secrets = time.time, crypto.secrets
    chosen = random.Random(seed)
    same = SimpleNamespace(choice=chosen.choice, compare_digest=secrets.compare_digest)
    time.time, crypto.secrets = lambda: NOW, same  # type: ignore[assignment]
    try:
        yield
    finally:
        time.time, crypto.secrets = clock, secrets
