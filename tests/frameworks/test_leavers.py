"""Clients that leave at every step: what each framework makes of it on casgi, as under uvicorn.

The sites tell the log what happens to them, and how each request ended. Requests have a minute to
end before casgi would cancel them: one that "returned" was told that its client had left.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from frameworks.leaver_site import LEAVE, LeaverSite
from frameworks.site_process import require
from support.raw import RawClient

PART_OF_A_FORM = (
    b'--of-the-form\r\nContent-Disposition: form-data; name="file"; filename="large"\r\n\r\n'
    b"and so on"
)

# What is heard of each path. A generator that is left at a yield ends whenever Python collects it,
# so only of others "stream ended" is asked. The exception handler is called where the framework
# itself raises, to the handler that reads, that the rest of the body will not come.
BACKGROUND = {"background task"}
SSE_STARLETTE = {"told http.disconnect", "stream ended", "background task"}
STARLETTE = {
    "/wait": BACKGROUND,
    "/listen": BACKGROUND,
    "/idle": {"stream ended", "background task"},
    "/busy": BACKGROUND,
    "/download": BACKGROUND,
    "/file": BACKGROUND,
    "/upload": {"upload aborted", "background task"},
    "/idle-events": SSE_STARLETTE,
    "/busy-events": SSE_STARLETTE,
}
HEARD: dict[str, dict[str, set[str]]] = {
    "starlette": {**STARLETTE, **{f"/within{path}": words for path, words in STARLETTE.items()}},
    "fastapi": {
        "/wait": {"background task", "resource returned"},
        "/listen": {"resource returned"},
        "/idle": {"stream ended", "background task", "resource returned"},
        "/busy": {"background task", "resource returned"},
        "/download": {"background task", "resource returned"},
        "/sync-download": BACKGROUND,
        "/upload": set(),
    },
    "litestar": {
        "/wait": BACKGROUND,
        "/listen": BACKGROUND,
        "/idle": {"stream ended", "background task"},
        "/busy": BACKGROUND,
        "/idle-events": set(),
        "/download": BACKGROUND,
        "/file": BACKGROUND,
        "/upload": {"exception handler"},
    },
    "falcon": {
        "/wait": BACKGROUND,
        "/busy-events": set(),
        "/download": BACKGROUND,
        "/upload": BACKGROUND,
    },
    "blacksheep": {
        "/wait": set(),
        "/listen": set(),
        "/busy": {"stream ended"},
        "/busy-events": {"stream ended"},
        "/download": set(),
        "/upload": {"exception handler"},
    },
}
STEPS = [(framework, path) for framework, paths in HEARD.items() for path in paths]


Serve = Callable[[str], LeaverSite]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return what gives the site in a framework, which runs until the last test has ended."""
    sites: dict[str, LeaverSite] = {}
    with ExitStack() as running:

        def serve(framework: str) -> LeaverSite:
            require(framework, *(["sse_starlette"] if framework == "starlette" else []))
            if framework not in sites:
                site = LeaverSite(framework, tmp_path_factory.mktemp(framework))
                sites[framework] = running.enter_context(site)
            return sites[framework]

        yield serve
        for site in sites.values():
            site.stop_quietly()


def go_to(site: LeaverSite, path: str) -> RawClient:
    """Return a client that is at the step to leave at."""
    client = site.connect()
    step = path.rpartition("/")[2]
    if step == "upload":
        client.send(
            b"POST %s HTTP/1.1\r\nHost: site\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=of-the-form\r\n\r\n%s"
            % (path.encode(), PART_OF_A_FORM)
        )
        site.wait_to_hear(f"{path} begun")
    else:
        client.send(b"GET %s HTTP/1.1\r\nHost: site\r\n\r\n" % path.encode())
        if step in ("wait", "listen"):
            site.wait_to_hear("waiting")
        else:
            assert client.read_head().status == 200
    return client


@pytest.mark.parametrize("leave", LEAVE)
@pytest.mark.parametrize(("framework", "path"), STEPS)
def test_client_leaves(serve: Serve, framework: str, path: str, leave: str) -> None:
    site = serve(framework)
    getattr(go_to(site, path), leave)()
    if path.endswith("/wait"):
        assert site.get("/gate") == "open"
    expected = HEARD[framework][path]
    site.wait_to_hear(f"{path} returned", *expected)
    heard = site.heard()
    assert heard["background task"] == ("background task" in expected)
    assert heard["exception handler"] == ("exception handler" in expected)
    assert site.complaints() == []
