"""Builds casgi._core; everything else about the package is in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup

# Not on the path in the isolated builds of pip.
sys.path.insert(0, str(Path(__file__).resolve().parent / "scripts"))

from build_core import BuildCore, core_extension

setup(ext_modules=[core_extension()], cmdclass={"build_ext": BuildCore})
