"""Which text a module or a function has, for those that were read and tested."""

import hashlib
import inspect
import sys

from casgi.origin.module_text import source_of


def fingerprint(module_name: str) -> str:
    """Return the SHA-256 of a loaded module's source in hexadecimal, "" when it has none."""
    try:
        source = source_of(sys.modules[module_name])
    except OSError:
        return ""
    return hashlib.sha256(source.encode()).hexdigest()


def function_fingerprint(function: object) -> str:
    """Return the same of the source of a function, "" when it has none, or is no function."""
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""
