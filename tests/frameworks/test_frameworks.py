"""The same small site in each framework, with the real package, on the command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from frameworks.site_process import FOLDER, SECONDS, SiteProcess, require

FRAMEWORKS = ["starlette", "fastapi", "quart", "litestar", "falcon", "blacksheep"]


def serve(framework: str, folder: Path) -> SiteProcess:
    """Return the site in this framework, not started yet."""
    require(framework)
    name = f"{framework}_site:application"
    return SiteProcess(name, folder, "--lifespan", "on", folder=FOLDER / "apps")


@pytest.fixture(scope="module", params=FRAMEWORKS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SiteProcess]:
    with serve(request.param, tmp_path_factory.mktemp(request.param)) as site:
        yield site


def test_hello(site: SiteProcess) -> None:
    response, body = site.ask("GET", "/")
    assert (response.status, body) == (200, b"hello")
    assert response.headers["Content-Length"] == "5"


def test_body(site: SiteProcess) -> None:
    size = 3_000_000
    _, body = site.ask("POST", "/body", b"x" * size, {"Content-Type": "text/plain"})
    assert body == str(size).encode()


def test_streaming(site: SiteProcess) -> None:
    response, body = site.ask("GET", "/stream")
    assert body == b"".join(b"%d\n" % number for number in range(100))
    assert response.headers["Transfer-Encoding"] == "chunked"


def test_state_of_the_lifespan(site: SiteProcess) -> None:
    assert site.get("/state") == "started"


def test_background_task_outlives_its_response(site: SiteProcess) -> None:
    assert site.get("/background") == "begun"
    assert site.get("/result") == "finished"


def test_websocket_echo(site: SiteProcess) -> None:
    with site.websocket("/echo") as client:
        for message in ("one", "zwei \N{PARTY POPPER}", "x" * 100_000):
            client.send(message)
            assert client.recv(timeout=SECONDS) == message
        client.close(4001)
    site.wait_for_log("closed with (4001|cancellation)")


def test_nothing_there(site: SiteProcess) -> None:
    assert site.ask("GET", "/nothing")[0].status == 404


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_shutdown_of_the_lifespan(framework: str, tmp_path: Path) -> None:
    with serve(framework, tmp_path) as site:
        assert site.get("/") == "hello"
        site.stop()
        assert site.exit_code == 0
    log = site.log_text()
    assert "shut down" in log
    assert "Traceback" not in log
