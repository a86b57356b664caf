"""The layers of csrc/, held by its include lines: see csrc/README.md.

`base <- net, http, ws; http <- http2; all of them <- server <- hub, asgi, bindings <- module`.
`loop` may use `net` and `base`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parents[2] / "csrc"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)

# What each layer may include; "state" is state.h, which all that knows Python has in common, and
# "module" is what stands directly in csrc/.
ALLOWED = {
    "base": {"base"},
    "net": {"base", "net"},
    "http": {"base", "http"},
    "http2": {"base", "http", "http2"},
    "ws": {"base", "ws"},
    "tls": {"base", "net", "tls"},
    "server": {"base", "net", "tls", "http", "http2", "ws", "server"},
    "hub": {"base", "net", "ws", "server", "hub"},
    "loop": {"base", "net", "loop", "state"},
    "asgi": {"base", "net", "http", "ws", "server", "asgi", "state"},
    "channels": {"base", "ws", "server", "asgi", "channels", "state"},
    "bindings": {"base", "net", "tls", "http", "ws", "server", "hub", "loop", "asgi", "channels"}
    | {"bindings", "state"},
    "state": {"state"},
    "module": {"base", "loop", "asgi", "channels", "bindings", "state", "module"},
}
STATE_FILES = {"state.h", "string_table.h"}

# The files that may include a header of a library, or folders of which all may.
FOREIGN = {
    "Python.h": {"state.h"},
    "structmember.h": {"asgi", "bindings", "channels", "loop"},
    "uv.h": {"net", "loop"},
    "llhttp.h": {"http/http1_parser.c"},
    "nghttp2/nghttp2.h": {"http2/http2_internal.h", "http2/http2_memory.h"},
    "wslay/wslay.h": {"ws/ws_decoder.c"},
    "zlib.h": {"ws/ws_zlib.h"},
    "openssl/evp.h": {"ws/ws_handshake.c", "tls"},
    "openssl/sha.h": {"ws/ws_handshake.c"},
    "openssl/ssl.h": {"tls"},
}
# All that the cores without I/O need of the C library: no sockets, no files, no clock.
WITHOUT_IO = {"base", "http", "http2", "ws"}
HARMLESS = {
    *["assert.h", "limits.h", "stdalign.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h"],
    *["stdlib.h", "string.h", "sys/types.h"],
}


def layer_of(path: str) -> str:
    """Return the layer of a path below csrc/."""
    folder, separator, _ = path.partition("/")
    if separator:
        return folder
    return "state" if path in STATE_FILES else "module"


def includes() -> Iterator[tuple[str, str, bool]]:
    """Yield every file, what it includes, and whether that is one of ours."""
    for path in sorted(CSRC.rglob("*.[ch]")):
        for bracket, header in INCLUDE.findall(path.read_text()):
            yield path.relative_to(CSRC).as_posix(), header, bracket == '"'


def test_there_is_something_to_look_at() -> None:
    layers = {layer_of(path) for path, _, _ in includes()}
    assert layers == set(ALLOWED)
    assert {header for _, header, _ in includes()} > set(FOREIGN)


def test_layers_point_down() -> None:
    wrong = [
        f"{path} includes {header}"
        for path, header, is_ours in includes()
        if is_ours and layer_of(header) not in ALLOWED[layer_of(path)]
    ]
    assert wrong == []


def test_own_headers_are_written_from_csrc() -> None:
    wrong = [
        f"{path} includes {header}"
        for path, header, is_ours in includes()
        if is_ours != (CSRC / header).is_file()
    ]
    assert wrong == []


def test_nobody_reaches_through_an_exchange() -> None:
    """What there is to know of the connection below it, `exchange_...()` says."""
    above = ("asgi", "channels", "bindings", "hub")
    wrong = [
        path.relative_to(CSRC).as_posix()
        for layer in above
        for path in sorted((CSRC / layer).glob("*.[ch]"))
        if re.search(r"exchange(\(\w+\))?->connection->", path.read_text())
    ]
    assert wrong == []


@pytest.mark.parametrize("header", FOREIGN)
def test_library_is_known_in_its_place_only(header: str) -> None:
    users = {path for path, included, _ in includes() if included == header}
    assert {path for path in users if not {path, layer_of(path)} & FOREIGN[header]} == set()


@pytest.mark.parametrize("layer", sorted(WITHOUT_IO))
def test_cores_do_no_io(layer: str) -> None:
    used = {
        header
        for path, header, is_ours in includes()
        if layer_of(path) == layer and not is_ours and header not in FOREIGN
    }
    assert used - HARMLESS == set()


def test_c_file_includes_its_own_header_first() -> None:
    """So that every header stands on its own; event_loop.c has an internal one around it."""
    first: dict[str, str] = {}
    for path, header, _ in includes():
        first.setdefault(path, header)
    wrong = [
        f"{path} begins with {header}"
        for path, header in first.items()
        if path.endswith(".c") and (CSRC / path).with_suffix(".h").exists()
        if header not in (path[:-2] + ".h", path[:-2] + "_internal.h")
    ]
    assert wrong == []


def stems_below(folder: str) -> dict[str, set[str]]:
    """Return what each pair of .c and .h in a folder includes of the others there."""
    below: dict[str, set[str]] = {}
    for path, header, is_ours in includes():
        if is_ours and layer_of(path) == layer_of(header) == folder:
            below.setdefault(Path(path).stem, set()).add(Path(header).stem)
    return {stem: stems - {stem} for stem, stems in below.items()}


def circle_of(below: dict[str, set[str]]) -> list[str]:
    """Return the stems that are left when those that need nobody left are taken away."""
    left = {stem: stems & set(below) for stem, stems in below.items()}
    while free := [stem for stem, stems in left.items() if not stems & set(left)]:
        for stem in free:
            del left[stem]
    return sorted(left)


@pytest.mark.parametrize("folder", ["base", "http", "asgi", "loop"])
def test_no_circles(folder: str) -> None:
    assert circle_of(stems_below(folder)) == []


def test_circles_are_found() -> None:
    assert circle_of({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}}) == ["a", "b"]


def test_c_files_include_few_headers_of_ours() -> None:
    """One that needs more than these does too much."""
    count: dict[str, int] = {}
    for path, _, is_ours in includes():
        count[path] = count.get(path, 0) + is_ours
    assert {path: number for path, number in count.items() if number > 12} == {}
