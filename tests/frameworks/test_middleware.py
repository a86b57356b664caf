"""Packages that stand between a server and an application, or look at what passes there."""

import re

import pytest
from frameworks.conftest import ServeDjango
from frameworks.site_process import SECONDS, SiteProcess, require


def echoes(site: SiteProcess) -> bool:
    """Whether WebSockets pass."""
    with site.websocket("/") as client:
        client.send("hello")
        return client.recv(timeout=SECONDS) == "hello"


@pytest.mark.parametrize("package", ["whitenoise", "servestatic"])
def test_static_files_by_middleware_of_django(serve_django: ServeDjango, package: str) -> None:
    require(package)
    site = serve_django(parts=package)
    response, body = site.ask("GET", "/static/hello.txt")
    assert (response.status, body) == (200, b"a static file\n")
    again, _ = site.ask("GET", "/static/hello.txt", headers=validator(response.headers))
    assert again.status == 304
    assert site.ask("GET", "/static/nothing.txt")[0].status == 404
    assert site.get("/page/") == "<html><body>1 users</body></html>"


def validator(headers: object) -> dict[str, str]:
    """Return the header that asks whether a file has changed."""
    return {"If-Modified-Since": headers["Last-Modified"]}  # type: ignore[index]


def test_static_files_by_asgi_middleware(serve_django: ServeDjango) -> None:
    require("servestatic")
    site = serve_django("pages.wrapped:make_static()")
    assert site.get("/static/hello.txt") == "a static file\n"
    assert site.ask("HEAD", "/static/hello.txt")[0].headers["Content-Length"] == "14"
    response, body = site.ask("GET", "/static/hello.txt", headers={"Range": "bytes=2-7"})
    assert (response.status, body) == (206, b"static")
    assert site.get("/page/") == "<html><body>1 users</body></html>"
    assert echoes(site)


def test_sentry(serve_django: ServeDjango) -> None:
    require("sentry_sdk")
    site = serve_django("pages.wrapped:make_sentry()")
    assert site.ask("GET", "/fail/")[0].status == 500
    site.wait_for_log("sentry event RuntimeError as it was asked to")
    site.get("/page/")
    site.wait_for_log("sentry transaction .*page")
    assert echoes(site)


def test_opentelemetry(serve_django: ServeDjango) -> None:
    require("opentelemetry")
    site = serve_django("pages.wrapped:make_traced()")
    site.get("/page/")
    site.wait_for_log("span GET.* SERVER")
    assert echoes(site)
    site.wait_for_log("span .*websocket send INTERNAL")


def test_debug_toolbar(serve_django: ServeDjango) -> None:
    require("debug_toolbar")
    site = serve_django(parts="debug_toolbar")
    page = site.get("/page/")
    assert 'id="djDebug"' in page
    found = re.search(r'data-(request|store)-id="(\w+)"', page)
    assert found
    panel = site.get(f"/__debug__/render_panel/?{found[1]}_id={found[2]}&panel_id=SQLPanel")
    assert "auth_user" in panel
