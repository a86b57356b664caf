"""Django by itself: the admin, uploads, and responses that come in parts."""

import http.client
import re
from collections.abc import Iterator

import pytest
from frameworks.conftest import ServeDjango
from frameworks.site_process import SECONDS, SiteProcess

PARTS = b"".join(b"%06d\n" % number for number in range(1000))
MEGABYTE = 1024 * 1024
UPLOAD = 1024 * MEGABYTE


@pytest.fixture(scope="module")
def site(serve_django: ServeDjango) -> SiteProcess:
    return serve_django()


def cookies(response: http.client.HTTPResponse) -> str:
    """Return the cookies that a response sets, as a request sends them."""
    return "; ".join(c.partition(";")[0] for c in response.headers.get_all("Set-Cookie") or [])


def test_log_in_to_the_admin(site: SiteProcess) -> None:
    response, body = site.ask("GET", "/admin/login/?next=/admin/")
    assert response.status == 200
    found = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', body)
    assert found
    token = found[1].decode()
    jar = cookies(response)
    form = {"username": "root", "csrfmiddlewaretoken": token, "next": "/admin/"}
    assert site.post("/admin/login/", jar, password="wrong", **form).status == 200
    logged_in = site.post("/admin/login/", jar, password="secret", **form)
    assert (logged_in.status, logged_in.headers["Location"]) == (302, "/admin/")
    response, body = site.ask("GET", "/admin/auth/user/", headers={"Cookie": cookies(logged_in)})
    assert response.status == 200
    assert b"1 user" in body


def test_form_without_its_token_is_refused(site: SiteProcess) -> None:
    assert site.post("/admin/login/", username="root", password="secret").status == 403


@pytest.mark.parametrize("path", ["/stream/", "/stream/async/"])
def test_response_in_parts(site: SiteProcess, path: str) -> None:
    response, body = site.ask("GET", path)
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert body == PARTS


def test_part_leaves_when_it_is_there(site: SiteProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=SECONDS)
    connection.request("GET", "/stream/gated/")
    response = connection.getresponse()
    assert response.readline() == b"first\n"
    assert site.get("/gate/") == "open"
    assert response.read() == b"second\n"
    connection.close()


def test_exception_is_a_500_with_its_traceback(site: SiteProcess) -> None:
    response, _ = site.ask("GET", "/fail/")
    assert response.status == 500
    assert "RuntimeError: as it was asked to" in site.log_text()


def multipart(size: int, boundary: bytes) -> Iterator[bytes]:
    """Yield a form with a file of this many bytes, in a megabyte at a time."""
    yield b'--%s\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n' % boundary
    yield b"Content-Type: application/octet-stream\r\n\r\n"
    block = bytes(range(256)) * (MEGABYTE // 256)
    for _ in range(size // MEGABYTE):
        yield block
    yield b"\r\n--%s--\r\n" % boundary


def test_upload_of_a_gigabyte_in_flat_memory(site: SiteProcess) -> None:
    site.get("/page/")
    before = site.memory("VmRSS")
    boundary = b"of-the-form"
    around = sum(map(len, multipart(0, boundary)))
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=100)
    connection.request(
        "POST",
        "/upload/",
        multipart(UPLOAD, boundary),
        {
            "Content-Type": "multipart/form-data; boundary=of-the-form",
            "Content-Length": str(around + UPLOAD),
        },
    )
    assert connection.getresponse().read() == b"big.bin %d" % UPLOAD
    connection.close()
    assert site.memory("VmHWM") - before < 64 * MEGABYTE
