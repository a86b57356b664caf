"""What a server under test complained about: log records, and errors told to its loop.

A test that provokes a complaint takes it with `expect`; one that nobody took fails the test.
"""

import logging
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Any

from support.apps import DEADLINE


@dataclass(frozen=True)
class Report:
    """One complaint: its whole text with the traceback, and the exception if there is one."""

    text: str
    exception: BaseException | None
    is_error: bool


class Reports(logging.Handler):
    """Collects the complaints of one server; usable from any thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._arrived = threading.Condition()
        self._pending: list[Report] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log record (the interface of logging.Handler)."""
        exception = record.exc_info[1] if record.exc_info else None
        text = logging.Formatter().format(record)
        # pytest keeps every record, and with the traceback the frames that hold send and receive.
        record.exc_info = None
        self._add(Report(text, exception, record.levelno >= logging.ERROR))

    def on_loop_error(self, _loop: object, context: dict[str, Any]) -> None:
        """Keep an error (the interface of an asyncio exception handler)."""
        exception = context.get("exception")
        lines = [str(context.get("message", ""))]
        if exception is not None:
            lines += traceback.format_exception(exception)
        self._add(Report("\n".join(lines), exception, is_error=True))

    def expect(
        self, *texts: str, exception: type[BaseException] | None = None, timeout: float = DEADLINE
    ) -> Report:
        """Wait for a complaint with all these texts and this exception, and take it."""

        def find() -> Report | None:
            for report in self._pending:
                if all(text in report.text for text in texts) and (
                    exception is None or isinstance(report.exception, exception)
                ):
                    return report
            return None

        with self._arrived:
            self._arrived.wait_for(find, timeout)
            report = find()
            assert report is not None, f"not reported: {texts} {exception}; but {self._pending}"
            self._pending.remove(report)
        return report

    def take_errors(self) -> list[str]:
        """Return the texts of errors that no test expected, and forget everything."""
        with self._arrived:
            errors = [report.text for report in self._pending if report.is_error]
            self._pending.clear()
        return errors

    def _add(self, report: Report) -> None:
        with self._arrived:
            self._pending.append(report)
            self._arrived.notify_all()


def wait_until(condition: Any, message: str, timeout: float = DEADLINE) -> None:
    """Poll for what nothing announces, up to a deadline."""
    stop = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < stop, message
        time.sleep(0.005)
