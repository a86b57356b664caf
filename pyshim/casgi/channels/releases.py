"""Which Channels is accelerated: one whose releases, and whose very code, were read and tested.

A version is a name: a later release of the same series, a fork or a distributor's patch can have
other code under it. So the modules that casgi's dispatch stands in for must have the text that
was read; of channels_redis, which is subclassed, the series decides. That the live objects are
those of the text is for `seam` to find out.
"""

import importlib
import sys

from casgi.channels.seam import WAITING
from casgi.origin import fingerprint

TESTED_CHANNELS = ("4.2", "4.3")
TESTED_CHANNELS_REDIS = ("4.2.1", "4.3")  # 4.2.0 writes its messages itself

# SHA-256 of the source: the same in all releases from 4.2.0 to 4.3.2.
TEXTS = {
    "channels.consumer": "67f43567763026e1a7e599a63aab488724245231a8b0866ce565b6aee2311d11",
    "channels.db": "72c193c26b76078af6e467caa52757abe47a81e81e22b64cc0e64086da7a8b6a",
    "channels.generic.websocket": (
        "7c19913d8b0777c3cde2679140bc139ea4af7da55e515fdbd6252643511e7b4b"
    ),
    "channels.sessions": "ca9187c63965b59957c10c3ebcbf05e90d3854d434c57743aad958e1911ec91e",
    "channels.utils": "657913012c7e41ff5f7098c21d01499241ffa130eb7077ab8dccb2c8753c8b21",
}
# Of channels.layers in 4.2.1, 4.2.2, and from 4.3.0 on; 4.2.0 checks names by other methods.
LAYERS = frozenset(
    {
        "346df0139b178aca3c72ed21266e0a1f5001c4594b50dbe87d91dc17c0db6cd9",
        "9286dbb403d9af7d8163be8814c56e06d627e11e987919d4d38d446efb241a9f",
        "108155612f697f0421805e7ddc7d929536025465553cebb2fe3e87475812cb61",
    }
)


def unsupported_reason() -> str | None:
    """Return why Channels is in use but not to be accelerated, or None."""
    version = version_of("channels")
    if not is_tested(version, TESTED_CHANNELS):
        tested = ", ".join(f"{release}.x" for release in TESTED_CHANNELS)
        return f"Channels {version} is not one of the releases tested ({tested})"
    for module, text in TEXTS.items():
        importlib.import_module(module)
        if fingerprint(module) != text:
            return f"{module} of Channels {version} is not the code that was tested"
    return WAITING.change()


def version_of(package: str) -> str:
    """Return the version of a package that is imported, else ""."""
    module = sys.modules.get(package)
    return str(getattr(module, "__version__", "")) if module is not None else ""


def is_tested(version: str, releases: tuple[str, ...]) -> bool:
    """Whether a version is one of these releases, or of one of these series."""
    return any(version == release or version.startswith(release + ".") for release in releases)
