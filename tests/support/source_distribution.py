"""Test-suites of other packages, from the source distributions of the releases that are installed.

Fetched once into build/downloads, by package name; nothing of them is committed.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from support.file_lock import locked

CACHE = Path(__file__).parents[2] / "build" / "downloads"
# A slow network is no reason to leave the tests out.
DEADLINE = 300.0


class SourceDistribution:
    """One package's source distribution; the test is skipped where it cannot be fetched."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._version = importlib.metadata.version(package)
        self._name = f"{package}-{self._version}"
        self._archive = CACHE / f"{self._name}.tar.gz"
        with locked(CACHE / "lock"):
            if not self._archive.exists():
                self._download()

    def extract(self, folder: Path) -> None:
        """Put its tests and their configuration into the folder, as they are."""
        with tarfile.open(self._archive) as opened:
            for member in opened.getmembers():
                name = member.name.removeprefix(self._name + "/")
                if member.isfile() and (name.startswith("tests/") or name == "setup.cfg"):
                    target = folder / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(_content(opened, member))

    def _download(self) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # The metadata is made by the setuptools that is here: nothing else is fetched.
        command += ["--no-binary", ":all:", "--no-build-isolation", "--dest", str(CACHE)]
        command += [f"{self._package}=={self._version}"]
        try:
            fetched = subprocess.run(command, timeout=DEADLINE, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            pytest.skip(f"the tests of {self._package}: the network does not answer")
        if fetched.returncode != 0:
            reason = fetched.stderr.strip().rpartition("\n")[2]
            pytest.skip(f"the tests of {self._package} cannot be downloaded: {reason}")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()
