"""Which files count, and waiting until one of them changes.

watchfiles does the watching; it is imported when it is needed, since production does without.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from casgi.errors import ConfigError

# Milliseconds without a further change after which the changes of one save are complete; editors
# write a file in several steps.
_STEP = 20
_LONGEST = 200
_INCLUDED = ("*.py",)
_EXCLUDED = (".*", ".py[cod]", ".sw.*", "~*")
# What no project means to watch; each may hold thousands of folders.
_IGNORED_FOLDERS = {
    "__pycache__",
    "node_modules",
    "site-packages",
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".venv",
    ".idea",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}


class Files:
    """The files of a project that a reload depends on.

    Args:
        folders: watched with all that is below them.
        include: further patterns of names, beside *.py.
        exclude: further patterns that do not count, and folders below which nothing does.

    Raises:
        ConfigError: a folder is not there.

    """

    def __init__(
        self, folders: Sequence[str], include: Sequence[str] = (), exclude: Sequence[str] = ()
    ) -> None:
        for folder in folders:
            if not Path(folder).is_dir():
                raise ConfigError(f"reload_dir: there is no folder {folder!r}")
        self.folders = _outermost(folders)
        # A folder that is named again with its files would hide what lies below it.
        self._excluded_folders = [Path(each).resolve() for each in exclude if Path(each).is_dir()]
        self._include = (*_INCLUDED, *include)
        self._exclude = (*_EXCLUDED, *(each for each in exclude if not Path(each).is_dir()))

    def counts(self, change: object, path: str) -> bool:
        """Whether a change of this file is one of the application: a filter of watchfiles'."""
        file = Path(path)
        if not _IGNORED_FOLDERS.isdisjoint(self._parts_below(file)[:-1]):
            return False
        if any(folder in file.parents for folder in self._excluded_folders):
            return False
        if any(file.match(pattern) for pattern in self._exclude):
            return any(file.name == pattern for pattern in self._include)
        return any(file.match(pattern) for pattern in self._include)

    def name(self, path: str) -> str:
        """Return how to write a file: from the folder that is watched."""
        return str(Path(*self._parts_below(Path(path))))

    def _parts_below(self, file: Path) -> tuple[str, ...]:
        for folder in self.folders:
            if folder in file.parents:
                return file.relative_to(folder).parts
        return file.parts


def _outermost(folders: Sequence[str]) -> list[Path]:
    """Return the folders that lie in no other of them."""
    resolved = {Path(folder).resolve() for folder in folders}
    return sorted(each for each in resolved if resolved.isdisjoint(each.parents))


def check_watchfiles() -> None:
    """Raise ConfigError when there is no watchfiles."""
    try:
        import watchfiles  # noqa: F401
    except ModuleNotFoundError:
        raise ConfigError("--reload needs watchfiles: pip install watchfiles") from None


async def changes(files: Files, stop: asyncio.Event) -> AsyncIterator[list[str]]:
    """Yield the files of each save, from the project's folder, until the event is set."""
    from watchfiles import awatch

    # It says how many there were, and what was reloaded for is said anyway.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    async for found in awatch(
        *files.folders,
        watch_filter=files.counts,
        stop_event=stop,
        step=_STEP,
        debounce=_LONGEST,
        ignore_permission_denied=True,
    ):
        yield sorted({files.name(path) for _, path in found})
