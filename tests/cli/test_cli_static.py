"""--static on the command line: what is served, and what is refused in one clear line."""

from pathlib import Path

import pytest

from casgi import Config
from casgi.errors import ConfigError


@pytest.mark.parametrize(
    ("mount", "made"),
    [
        ("/static/={}", ("/static/", False)),
        ("/static={}", ("/static/", False)),
        ("/a/b-c_1.2={}", ("/a/b-c_1.2/", False)),
        ("/={}", ("/", True)),
    ],
)
def test_mounts(tmp_path: Path, mount: str, made: tuple[str, bool]) -> None:
    config = Config(static=(mount.format(tmp_path),))
    assert config.core_options()["static_files"] == [(made[0], str(tmp_path), made[1])]


def test_a_folder_with_an_equals_sign(tmp_path: Path) -> None:
    folder = tmp_path / "a=b"
    folder.mkdir()
    config = Config(static=(f"/static/={folder}",))
    assert config.core_options()["static_files"] == [("/static/", str(folder), False)]


@pytest.mark.parametrize(
    ("mounts", "words"),
    [
        (("staticfiles",), "static is a URL and a folder, as /static/=staticfiles"),
        (("/static/=",), "static is a URL and a folder"),
        (("=folder",), "the path of a URL before the ="),
        (("static/=.",), "the path of a URL before the ="),
        (("http://a/static/=.",), "the path of a URL before the ="),
        (("/a//b/=.",), "the path of a URL before the ="),
        (("/a/../b/=.",), "the path of a URL before the ="),
        (("/a%20b/=.",), "the path of a URL before the ="),
        (("/a?b/=.",), "the path of a URL before the ="),
        (("/static/=nowhere",), "static cannot serve nowhere: No such file or directory"),
        ((f"/static/={__file__}",), "Not a directory"),
        ("/static/=.", "must be a tuple of texts"),
        ((3,), "must be a tuple of texts"),
    ],
)
def test_what_is_refused(mounts: object, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config(static=mounts)  # type: ignore[arg-type]
    assert words in str(refused.value)
