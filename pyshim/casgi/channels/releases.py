"""Which Channels is accelerated: one whose releases, and whose very code, were read and tested.

A version is a name: a later release of the same series, a fork or a distributor's patch can have
other code under it. So the modules that casgi's dispatch stands in for must have the text that
was read; channels_redis and the layers are subclassed, and there the series decides.
"""

import hashlib
import importlib
import inspect
import sys

TESTED_CHANNELS = ("4.2", "4.3")
TESTED_CHANNELS_REDIS = ("4.2", "4.3")

# SHA-256 of the source: the same in all releases from 4.2.0 to 4.3.2.
SEAM = {
    "channels.consumer": "67f43567763026e1a7e599a63aab488724245231a8b0866ce565b6aee2311d11",
    "channels.db": "72c193c26b76078af6e467caa52757abe47a81e81e22b64cc0e64086da7a8b6a",
    "channels.utils": "657913012c7e41ff5f7098c21d01499241ffa130eb7077ab8dccb2c8753c8b21",
    "channels.generic.websocket": (
        "7c19913d8b0777c3cde2679140bc139ea4af7da55e515fdbd6252643511e7b4b"
    ),
}


def obstacle() -> str | None:
    """Return why Channels is in use but not to be accelerated, or None."""
    version = version_of("channels")
    if not is_tested(version, TESTED_CHANNELS):
        tested = ", ".join(f"{release}.x" for release in TESTED_CHANNELS)
        return f"Channels {version} is not one of the releases tested ({tested})"
    for module, known in SEAM.items():
        importlib.import_module(module)
        if _fingerprint(module) != known:
            return f"{module} of Channels {version} is not the code that was tested"
    return None


def version_of(package: str) -> str:
    """Return the version of a package that is imported, else ""."""
    module = sys.modules.get(package)
    return str(getattr(module, "__version__", "")) if module is not None else ""


def is_tested(version: str, releases: tuple[str, ...]) -> bool:
    """Whether a version belongs to one of these series of releases."""
    return any(version == release or version.startswith(release + ".") for release in releases)


def _fingerprint(module: str) -> str:
    try:
        source = inspect.getsource(sys.modules[module])
    except (OSError, TypeError):  # installed without its source
        return ""
    return hashlib.sha256(source.encode()).hexdigest()
