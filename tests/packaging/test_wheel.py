"""The wheel: what is in it, and that it serves where there is nothing but Python."""

import os
import platform
import re
import ssl
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
from support.certificates import Authority
from support.ports import free_port
from support.server_process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from build_wheel import library_of, license_text, with_licenses  # noqa: E402

BUILD_SECONDS = 600
# What the extension is linked with: found in the wheel, not in the system.
LIBRARIES = ("libuv", "libwslay", "libssl", "libcrypto", "libnghttp2")
APPLICATION = """
async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"from the wheel"})
"""

pytestmark = pytest.mark.timeout(BUILD_SECONDS)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel for the Python of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    script = str(ROOT / "scripts" / "build_wheel.py")
    command = [sys.executable, script, str(folder), sys.executable]
    # Not as an instrumented build, if that is what is being tested.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CASGI_")}
    subprocess.run(command, check=True, cwd=ROOT, env=plain, timeout=BUILD_SECONDS)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment, with the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    command = [str(folder / "bin" / "pip"), "install", "--quiet", str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    return folder


@pytest.fixture
def served(environment: Path, tmp_path: Path) -> Iterator[tuple[ServerProcess, ssl.SSLContext]]:
    """The installed command, serving TLS; and how its clients trust it."""
    (tmp_path / "hello.py").write_text(APPLICATION)
    authority = Authority(tmp_path)
    files = authority.issue("127.0.0.1")
    port = free_port()
    command = [str(environment / "bin" / "casgi"), "-p", str(port), "hello:application"]
    command += ["--ssl-certfile", files.certificate, "--ssl-keyfile", files.key]
    with ServerProcess(command, port, tmp_path / "log", tmp_path, {"PATH": "/usr/bin"}) as server:
        yield server, ssl.create_default_context(cafile=authority.certificate)


def test_wheel_says_which_systems_it_runs_on(wheel: Path) -> None:
    match = re.search(r"-manylinux_2_(\d+)_\w+\.whl$", wheel.name)
    assert match, wheel.name
    assert 17 <= int(match[1]) <= int(platform.libc_ver()[1].split(".")[1])


def test_wheel_has_the_libraries_and_their_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        (metadata_name,) = [name for name in names if name.endswith("METADATA")]
        metadata = Parser().parsestr(opened.read(metadata_name).decode())
        files = metadata.get_all("License-File") or []
        licenses = metadata_name.replace("METADATA", "licenses/")
        texts = {file: opened.read(licenses + file).decode() for file in files}
    for library in LIBRARIES:
        assert any(name.startswith(f"casgi.libs/{library}-") for name in names)
    assert {"LICENSE", "LICENSE.libuv", "LICENSE.llhttp", "LICENSE.openssl"} < texts.keys()
    assert "Apache License" in texts["LICENSE.openssl"]
    assert all(len(text) > 500 for text in texts.values())
    assert metadata["License-Expression"] == "BSD-3-Clause AND Apache-2.0 AND MIT"
    assert metadata["Requires-Python"] == ">=3.11"


def test_installed_wheel_serves(served: tuple[ServerProcess, ssl.SSLContext]) -> None:
    server, context = served
    url = f"https://127.0.0.1:{server.port}/"
    with urllib.request.urlopen(url, context=context, timeout=30) as answer:
        assert answer.read() == b"from the wheel"
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    for library in LIBRARIES:
        own = re.findall(rf"\S+/casgi\.libs/{library}-\S+", maps)
        assert own, f"{library} is not that of the wheel"


def test_library_that_is_not_known_stops_the_build() -> None:
    assert library_of("libcrypto-7c3c55df.so.3").license == "Apache-2.0"
    assert library_of("libnghttp2-aa.so.14").name == "nghttp2"
    assert library_of("libz-aa.so.1").license == "Zlib"
    for unknown in ("libbrotli-aa.so.1", "libfoo-1.so", "libuvw-1.so"):
        with pytest.raises(SystemExit):
            library_of(unknown)


def test_metadata_names_each_licence_once() -> None:
    own = "License-Expression: BSD-3-Clause\nLicense-File: LICENSE\n"
    names = ("libz-1.so", "libuv-1.so", "libwslay-1.so", "libzstd-1.so")
    libraries = [library_of(name) for name in names]
    assert with_licenses(own, libraries) == (
        "License-Expression: BSD-3-Clause AND MIT AND Zlib\n"
        "License-File: LICENSE\n"
        "License-File: LICENSE.zlib\nLicense-File: LICENSE.libuv\nLicense-File: LICENSE.wslay\n"
        "License-File: LICENSE.zstd\n"
    )
    with pytest.raises(SystemExit):
        with_licenses("License: BSD\n", libraries)


def test_licence_that_is_only_named_is_written_out() -> None:
    assert len(license_text(library_of("libssl-1.so"))) > 10_000


def test_source_distribution_has_what_the_build_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation"]
    command += ["--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    for folder, pattern in (("csrc", "*.[ch]"), ("pyshim", "*.py"), ("scripts", "*.py")):
        wanted = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern)}
        assert wanted <= names
    assert {"pyproject.toml", "setup.py", "LICENSE", "pyshim/casgi/py.typed"} <= names
