"""A site whose clients leave: what it says of them, and what nobody should have to say."""

import re
import socket
from collections import Counter
from pathlib import Path

from frameworks.site_process import FOLDER, SiteProcess
from support.raw import RawClient
from support.reports import wait_until

LEAVE = ["close", "reset"]
WORD = re.compile(r"^<(.*)>$", re.MULTILINE)
COMPLAINT = re.compile(r'^.*(?:Traceback|ERROR|WARNING|" 5\d\d ).*$', re.MULTILINE)


class LeaverSite(SiteProcess):
    """A site that tells what happens to it, and what was heard since a moment."""

    def __init__(self, framework: str, folder: Path) -> None:
        """Prepare the site in this framework."""
        name = f"{framework}_leavers:application"
        options = ("--application-close-timeout", "60")
        super().__init__(name, folder, *options, folder=FOLDER / "apps", TMPDIR=str(folder))
        self._since = 0

    def connect(self) -> RawClient:
        """Return a client; what is heard from now on is its."""
        self._since = len(self.log_text())
        return RawClient(socket.create_connection(("127.0.0.1", self.port)))

    def heard(self) -> Counter[str]:
        """Return the words since the last client came."""
        return Counter(WORD.findall(self.log_text()[self._since :]))

    def wait_to_hear(self, *words: str) -> None:
        """Wait until all of these were heard."""
        wait_until(lambda: {*words} <= {*self.heard()}, f"{words} in {self.log_text()}")

    def complaints(self) -> list[str]:
        """Return all lines of the log that somebody would be alarmed by."""
        return COMPLAINT.findall(self.log_text())

    def stop_quietly(self) -> None:
        """Stop; what is left of the clients must not be complained of either."""
        self.stop()
        assert (self.exit_code, self.complaints()) == (0, [])
