"""The lifespan in its three modes."""

import pytest


def test_state_of_the_lifespan_is_in_the_scopes(casgi, get):
    process = casgi("-p", "0", "served:with_lifespan")
    assert get(process.port()) == "{'greeting': 'from lifespan'}"


def test_startup_comes_before_listening_and_shutdown_is_finished(casgi):
    process = casgi("-p", "0", "--access-log", "/dev/null", "served:with_lifespan")
    process.port()
    assert process.stop() == 0
    assert process.stdout.lines() == ["startup", "shutdown", "after shutdown"]


def test_off_leaves_the_application_alone(casgi, get):
    process = casgi("-p", "0", "--lifespan", "off", "served:with_lifespan")
    assert get(process.port()) == "None"
    assert process.stop() == 0
    assert "startup" not in process.stdout.lines()


def test_auto_serves_an_application_without_lifespan(casgi, get):
    process = casgi("-p", "0", "served:hello")
    assert get(process.port()) == "hello"
    assert process.stop() == 0
    assert not [line for line in process.stderr.lines() if "Traceback" in line]


def test_auto_serves_after_a_crash_and_shows_it(casgi, get):
    process = casgi("-p", "0", "served:crashing_startup")
    assert get(process.port()) == "False"
    assert process.stderr.wait_for("OSError: the cache is down")


@pytest.mark.parametrize("application", ["served:hello", "served:crashing_startup"])
def test_on_needs_a_lifespan(casgi, application):
    process = casgi("-p", "0", "--lifespan", "on", application)
    assert process.wait() == 3
    assert process.stderr.lines()[-1].startswith("casgi: the application does not support lifespan")


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_failed_startup_ends_the_process(casgi, mode):
    process = casgi("-p", "0", "--lifespan", mode, "served:failing_startup")
    assert process.wait() == 3
    assert process.stderr.lines() == ["casgi: the application could not start: no database"]


def test_failed_shutdown_is_logged(casgi):
    process = casgi("-p", "0", "served:failing_shutdown")
    process.port()
    assert process.stop() == 3
    assert process.stderr.wait_for("ERROR .*shutdown failed: disk full")


@pytest.mark.parametrize("application", ["raising_shutdown", "raising_after_shutdown"])
def test_shutdown_that_raises_is_logged_with_its_traceback(casgi, application):
    process = casgi("-p", "0", f"stopped:{application}")
    process.port()
    assert process.stop() == 3
    assert process.stderr.wait_for("ERROR .*shutdown failed$")
    assert process.stderr.wait_for("in close_the_pool$")
    assert process.stderr.wait_for("^OSError: the pool is gone$")


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_lifespan_that_fails_meanwhile_is_logged_at_once(casgi, get, workers):
    """The server goes on, but its exit status tells."""
    process = casgi("-p", "0", *workers, "stopped:failing_while_served")
    assert get(process.port()) == "served"
    process.stderr.wait_for("ERROR .*lifespan has failed while it is served")
    process.stderr.wait_for("^OSError: the pool is gone$")
    assert get(process.port()) == "served"
    assert process.stop() == 3


@pytest.mark.parametrize("application", ["served:endless_shutdown", "stopped:stubborn_shutdown"])
def test_shutdown_that_never_ends_is_cut_and_named(casgi, application):
    process = casgi("-p", "0", "--application-close-timeout", "0.1", application)
    process.port()
    assert process.stop() == 3
    assert process.stderr.wait_for("ERROR .*shutdown has not ended in 1 s, and is cancelled at$")
    assert process.stderr.wait_for("await asyncio.Event...wait..$")
