"""channels_redis' own test-suite, byte for byte, passes with casgi's layers in place of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from channels_redis_suite import SuiteRun
from support.source_distribution import SourceDistribution

# In each file there are about so many tests, in any release.
FILES = {
    ("test_core.py",): 25,
    ("test_sentinel.py",): 25,
    ("test_pubsub.py", "test_pubsub_sentinel.py", "test_serializers.py", "test_utils.py"): 50,
}


pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, ...], SuiteRun]]:
    """All files, started at once: they mostly wait."""
    suite = SourceDistribution("channels_redis")
    with ExitStack() as stack:

        def start(files: tuple[str, ...]) -> SuiteRun:
            folder: Path = tmp_path_factory.mktemp("suite")
            suite.extract(folder)
            return stack.enter_context(SuiteRun(folder, files))

        yield {files: start(files) for files in FILES}


@pytest.mark.parametrize("files", list(FILES), ids=lambda files: files[0])
def test_suite(runs: dict[tuple[str, ...], SuiteRun], files: tuple[str, ...]) -> None:
    assert runs[files].passed() >= FILES[files]
