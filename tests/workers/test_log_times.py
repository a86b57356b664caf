"""The lines of one log have the times of one zone: of the application's, once that is known."""

import re
import signal
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Kathmandu")  # It is 5:45 ahead of UTC all the year.
HOUR = timedelta(hours=1)


def is_in_zone(line: str) -> bool:
    """Whether the time of a line that was just written is one of the zone."""
    found = re.match(r"[-0-9]+ [:0-9]+", line)
    assert found, line
    written = datetime.fromisoformat(found[0]).replace(tzinfo=ZONE)
    return abs(datetime.now(ZONE) - written) < HOUR


def test_supervisor_writes_the_times_of_its_workers(start):
    site = start("zoned:application", variables={"TZ": "UTC"})
    site.worker(2)
    site.signal(signal.SIGUSR2)
    site.stderr.wait_for("The workers were replaced$")
    assert site.stop() == 0
    lines = site.stderr.lines()
    (listening,) = [n for n, line in enumerate(lines) if "Listening on" in line]
    assert [line for line in lines[listening:] if not is_in_zone(line)] == []


def test_zone_that_nobody_knows_changes_nothing(start):
    site = start("kept:tell_process", variables={"TZ": "no such zone"})
    site.worker(2)
    assert site.stop() == 0
