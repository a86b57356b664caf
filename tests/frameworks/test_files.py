"""Starlette's and FastAPI's files: they use http.response.pathsend by themselves."""

import random
from pathlib import Path
from typing import Any

import pytest
from support.raw import request
from support.server import LiveServer, Serve

starlette = pytest.importorskip("starlette.applications")
fastapi = pytest.importorskip("fastapi")

from starlette.requests import Request  # noqa: E402
from starlette.responses import FileResponse, PlainTextResponse  # noqa: E402
from starlette.routing import Mount, Route  # noqa: E402
from starlette.staticfiles import StaticFiles  # noqa: E402

CONTENTS = random.Random(2).randbytes(300_000)


class Recorder:
    """Wraps an application, and keeps the types of what it sends."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.types: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def recording(message: Any) -> None:
            self.types.append(message["type"])
            await send(message)

        await self.application(scope, receive, recording)


def starlette_site(folder: Path) -> Any:
    async def file(request: Request) -> FileResponse:
        return FileResponse(folder / "file.bin", filename="name.bin")

    async def hints(request: Request) -> PlainTextResponse:
        await request.send_early_hints("</a.css>; rel=preload")
        return PlainTextResponse("hinted")

    return starlette.Starlette(
        routes=[
            Route("/file", file),
            Route("/hints", hints),
            Mount("/static", StaticFiles(directory=folder)),
        ]
    )


def fastapi_site(folder: Path) -> Any:
    application = fastapi.FastAPI()

    @application.get("/file")  # type: ignore[untyped-decorator]
    async def file() -> FileResponse:
        return FileResponse(folder / "file.bin", filename="name.bin")

    application.mount("/static", StaticFiles(directory=folder))
    return application


@pytest.fixture(params=[starlette_site, fastapi_site])
def site(
    request: pytest.FixtureRequest, serve: Serve, tmp_path: Path
) -> tuple[LiveServer, Recorder]:
    (tmp_path / "file.bin").write_bytes(CONTENTS)
    recorder = Recorder(request.param(tmp_path))
    return serve(recorder), recorder


@pytest.mark.parametrize("path", ["/file", "/static/file.bin"])
def test_a_file(site: tuple[LiveServer, Recorder], path: str) -> None:
    server, recorder = site
    with server.connect() as client:
        for _ in range(2):
            client.send(request(path))
            response = client.read_response()
            assert response.body == CONTENTS
            assert response.header(b"content-length") == b"300000"
            assert response.header(b"transfer-encoding") is None
    assert recorder.types == ["http.response.start", "http.response.pathsend"] * 2


def test_parts_and_conditions(site: tuple[LiveServer, Recorder]) -> None:
    server, _ = site
    with server.connect() as client:
        client.send(request("/static/file.bin", method="HEAD"))
        head = client.read_response("HEAD")
        assert head.header(b"content-length") == b"300000"
        client.send(request("/file", headers=["Range: bytes=100-299"]))
        part = client.read_response()
        assert (part.status, part.body) == (206, CONTENTS[100:300])
        tag = head.header(b"etag") or b""
        client.send(request("/static/file.bin", headers=[b"If-None-Match: " + tag]))
        assert client.read_response().status in (200, 304)
        client.send(request("/static/none"))
        assert client.read_response().status == 404


def test_early_hints(serve: Serve, tmp_path: Path) -> None:
    with serve(starlette_site(tmp_path)).connect() as client:
        client.send(request("/hints"))
        assert client.read_response().all(b"link") == [b"</a.css>; rel=preload"]
        assert client.read_response().body == b"hinted"
