"""An authority for the tests of TLS, and servers with certificates that it has signed."""

import ssl
from pathlib import Path

import pytest
from support.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusting(authority: Authority) -> ssl.SSLContext:
    """A client's context that trusts the authority."""
    return ssl.create_default_context(cafile=authority.certificate)
