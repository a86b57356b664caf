"""Bodies of every size around Django's limits come to views whole, as with --no-accelerate."""

from __future__ import annotations

import hashlib

import pytest
from django_sites import Site

LIMIT = 2_621_440  # DATA_UPLOAD_MAX_MEMORY_SIZE and FILE_UPLOAD_MAX_MEMORY_SIZE
CHUNK = 65_536  # FileUploadHandler.chunk_size
PATTERN = bytes(range(256)) * 82_000
AROUND_CHUNK = (CHUNK - 1, CHUNK, CHUNK + 1)
AROUND_LIMIT = (LIMIT - 1, LIMIT, LIMIT + 1)
SIZES = (0, 1, *AROUND_CHUNK, *AROUND_LIMIT, 20_000_000)
BOUNDARY = "of-a-test"


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", SIZES)
def test_raw(sites: tuple[Site, Site], size: int, is_chunked: bool) -> None:
    """`request.body` has a limit, of chunks in newer releases only; `request.read()` has none."""
    body = PATTERN[:size]
    found = {"length": size, "digest": _digest(body)}
    kind = "application/octet-stream"
    for site in sites:
        assert site.post("/by_pieces/", body, kind, is_chunked=is_chunked) == (200, found)
    whole = [site.post("/whole/", body, kind, is_chunked=is_chunked) for site in sites]
    assert whole[0] == whole[1]
    if size <= LIMIT:
        assert whole[0] == (200, found)
    elif not is_chunked:
        assert whole[0] == (400, None)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _form(parts: dict[str, bytes], files: dict[str, bytes]) -> bytes:
    pieces = []
    for name, value in (*parts.items(), *files.items()):
        file = f'; filename="{name}.bin"' if name in files else ""
        head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'
        pieces += [head.encode(), value, b"\r\n"]
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("size", SIZES)
def test_files(sites: tuple[Site, Site], size: int) -> None:
    """In memory, as long as the whole is no larger than the limit, else in temporary files."""
    files = {"file": PATTERN[:size], "other": b"small"}
    body = _form({"field": b"text"}, files)
    kind = "TemporaryUploadedFile" if len(body) > LIMIT else "InMemoryUploadedFile"
    expected = {
        "fields": {"field": 4},
        "files": {name: [kind, [len(file), _digest(file)]] for name, file in files.items()},
    }
    for site in sites:
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
        assert site.post("/form/", body, content_type, is_chunked=False) == (200, expected)


@pytest.mark.parametrize("size", AROUND_LIMIT)
def test_fields(sites: tuple[Site, Site], size: int) -> None:
    """What is no file is refused from the limit on."""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    body = _form({"f": b"x" * (size - 3)}, {})  # The name counts, and 2 more.
    answers = [site.post("/form/", body, kind, is_chunked=False) for site in sites]
    assert answers[0] == answers[1]
    assert answers[0][0] == (400 if size > LIMIT else 200)


@pytest.mark.parametrize("size", [0, 1, CHUNK, LIMIT + 1])
def test_form_without_length(sites: tuple[Site, Site], size: int) -> None:
    """Django finds nothing in a form whose length no header says."""
    body = _form({}, {"file": PATTERN[:size]})
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    answers = [site.post("/form/", body, kind, is_chunked=True) for site in sites]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
