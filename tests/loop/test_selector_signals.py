"""Signals that come while the Selector waits."""

import selectors
import signal
import threading

import pytest

from casgi._core import Selector

READ = selectors.EVENT_READ


def interruption() -> threading.Timer:
    """Return what interrupts this thread soon, to be started where that is expected."""
    return threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))


def started(timer: threading.Timer, selector: Selector) -> Selector:
    """Start the timer, and return the selector that is to wait meanwhile."""
    timer.start()
    return selector


def test_ctrl_c_ends_select(selector):
    timer = interruption()
    with pytest.raises(KeyboardInterrupt):
        started(timer, selector).select(None)
    timer.join()


def test_a_signal_handler_runs_and_select_returns(selector):
    calls: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        timer = interruption()
        assert started(timer, selector).select(30) == []
        assert calls == [signal.SIGINT]
        timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)


def test_ready_descriptors_outlive_an_interrupt(selector, pair):
    ours, theirs = pair
    key = selector.register(ours, READ)

    def fail(number: int, frame: object) -> None:
        theirs.send(b"x")
        raise InterruptedError

    previous = signal.signal(signal.SIGINT, fail)
    try:
        timer = interruption()
        with pytest.raises(InterruptedError):
            started(timer, selector).select(None)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert selector.select(1) == [(key, READ)]


def test_select_inside_a_signal_handler_of_select(selector):
    """Handlers run when the turn is over, so that one may select again."""
    results: list[object] = []
    previous = signal.signal(signal.SIGINT, lambda *_: results.append(selector.select(0)))
    try:
        timer = interruption()
        assert started(timer, selector).select(30) == []
        timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert results == [[]]
