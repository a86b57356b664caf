"""Finds the C libraries that casgi is built with: by pkg-config, or where Debian puts them."""

import subprocess
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path


class LibraryMissingError(Exception):
    """A library was not found; the text names the package that has it."""


@dataclass
class NativeLibraries:
    """What compiler and linker have to be told, for all libraries together."""

    compile_args: list[str] = field(default_factory=list)
    link_args: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """C files that a package ships in place of a library, to be compiled in."""


# Where headers are looked for when pkg-config knows nothing; /usr/local first, as compilers do.
_INCLUDE_FOLDERS = (Path("/usr/local/include"), Path("/usr/include"))
_LLHTTP_SOURCES = Path("/usr/share/llhttp")
_LLHTTP_INCLUDE = Path("/usr/share/include/llhttp")


def find_native_libraries() -> NativeLibraries:
    """Return how to build with all of them, or raise LibraryMissingError."""
    found = NativeLibraries()
    _add_package(found, "libuv", header="uv.h", library="uv", debian="libuv1-dev")
    # Debian's libwslay-dev has no .pc file; other distributions' has.
    _add_package(found, "libwslay", header="wslay/wslay.h", library="wslay", debian="libwslay-dev")
    # SHA-1 and base64 of the WebSocket handshake.
    _add_package(found, "libcrypto", header="openssl/sha.h", library="crypto", debian="libssl-dev")
    _add_package(found, "libssl", header="openssl/ssl.h", library="ssl", debian="libssl-dev")
    # Compression of WebSocket messages.
    _add_package(found, "zlib", header="zlib.h", library="z", debian="zlib1g-dev")
    # HTTP/2: frames, header compression, flow control.
    _add_package(
        found, "libnghttp2", header="nghttp2/nghttp2.h", library="nghttp2", debian="libnghttp2-dev"
    )
    _add_llhttp(found)
    return found


def _add_package(
    found: NativeLibraries, name: str, *, header: str, library: str, debian: str
) -> None:
    if _add_by_pkg_config(found, name):
        return
    if not _has_header(header):
        raise LibraryMissingError(_missing(name, header, debian))
    found.link_args.append(f"-l{library}")


def _add_llhttp(found: NativeLibraries) -> None:
    """Use the library where there is one; Debian 12 has only its sources, in a Node.js package."""
    if _add_by_pkg_config(found, "libllhttp"):
        return
    sources = [_LLHTTP_SOURCES / name for name in ("llhttp.c", "http.c", "api.c")]
    if (_LLHTTP_INCLUDE / "llhttp.h").exists() and all(source.exists() for source in sources):
        # llhttp before 9 chooses between strict and loose when it is compiled.
        found.compile_args += [f"-I{_LLHTTP_INCLUDE}", "-DLLHTTP_STRICT_MODE=1"]
        found.sources.extend(str(source) for source in sources)
    elif _has_header("llhttp.h"):
        found.link_args.append("-lllhttp")
    else:
        debian = "libllhttp-dev (on Debian 12 node-llhttp)"
        raise LibraryMissingError(_missing("llhttp", "llhttp.h", debian))


def _add_by_pkg_config(found: NativeLibraries, name: str) -> bool:
    try:
        answers = [
            subprocess.run(
                ["pkg-config", option, name], capture_output=True, text=True, check=True
            ).stdout.split()
            for option in ("--cflags", "--libs")
        ]
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False
    found.compile_args.extend(answers[0])
    found.link_args.extend(answers[1])
    return True


def _has_header(header: str) -> bool:
    multiarch = sysconfig.get_config_var("MULTIARCH")
    folders = [*_INCLUDE_FOLDERS, *([_INCLUDE_FOLDERS[1] / multiarch] if multiarch else [])]
    return any((folder / header).exists() for folder in folders)


def _missing(name: str, header: str, debian: str) -> str:
    return (
        f"{name} is needed to build casgi, and its header {header} was not found."
        f" On Debian and Ubuntu: apt-get install {debian}"
    )
