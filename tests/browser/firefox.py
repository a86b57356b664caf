"""Firefox without a window, driven by WebDriver BiDi: pages to open, and functions to run in them.

Playwright drives only a Firefox of its own; this is the one that people have.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.server_process import environment_of_foreign_programs
from websockets.sync.client import ClientConnection, connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
START_SECONDS = 120.0
STOP_SECONDS = 20.0
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# What it would fetch for itself, from addresses of its maker's.
SETTINGS = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.server": "http://127.0.0.1:9/",
}


class Firefox:
    """A session with a Firefox that takes any certificate."""

    def __init__(self, session: ClientConnection) -> None:
        """Borrow the connection."""
        self._session = session
        self._calls = 0
        always = {"acceptInsecureCerts": True}
        self.call("session.new", capabilities={"alwaysMatch": always})

    def new_page(self) -> FirefoxPage:
        """Open a tab."""
        return FirefoxPage(self, self.call("browsingContext.create", type="tab")["context"])

    def call(self, method: str, *, seconds: float = 60, **parameters: object) -> dict[str, Any]:
        """Return the result of a command of WebDriver BiDi."""
        self._calls += 1
        call = {"id": self._calls, "method": method, "params": parameters}
        self._session.send(json.dumps(call))
        while True:  # events come between
            answer = json.loads(self._session.recv(seconds))
            if answer.get("id") == self._calls:
                assert answer["type"] == "success", answer
                result: dict[str, Any] = answer["result"]
                return result


class FirefoxPage:
    """One tab: as much as is needed of playwright's `Page`."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        """Make a tab that Firefox has opened."""
        self._firefox = firefox
        self._context = context

    def goto(self, url: str) -> None:
        """Open an address, and wait until the page is there."""
        self._firefox.call(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    def evaluate(self, function: str, argument: object = None, *, seconds: float = 60) -> Any:
        """Return what a function of JavaScript returns, or resolves to."""
        called = f"({function})({json.dumps(argument)})"
        outcome = self._firefox.call(
            "script.evaluate",
            seconds=seconds,
            target={"context": self._context},
            awaitPromise=True,
            expression=f"Promise.resolve({called}).then((it) => JSON.stringify(it ?? null))",
        )
        assert outcome["type"] == "success", outcome
        return json.loads(outcome["result"]["value"])

    def close(self) -> None:
        """Close the tab."""
        self._firefox.call("browsingContext.close", context=self._context)


@contextlib.contextmanager
def run_firefox(folder: Path) -> Iterator[Firefox]:
    """Run a Firefox whose profile and log are in `folder`."""
    assert FIREFOX is not None
    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in SETTINGS.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile)]
    environment = environment_of_foreign_programs() | {"HOME": str(folder)}
    log = folder / "firefox.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        address = _wait_for_address(process, log)
        # It answers no ping while it is busy; call() says how long it may be.
        driving = connect(f"{address}/session", max_size=None, proxy=None, ping_interval=None)
        with driving as session:
            yield Firefox(session)
    finally:
        _end(process)


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return where Firefox says that it can be driven."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := LISTENING.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Firefox does not start:\n{log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
