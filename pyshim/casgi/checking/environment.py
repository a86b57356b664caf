"""Variables of the environment that look like an option and are none."""

import difflib
import os
from collections.abc import Collection, Iterator

from casgi.checking.findings import Finding

_PREFIX = "CASGI_"


def check_environment(known: Collection[str]) -> Iterator[Finding]:
    """Report each CASGI_* variable that nearly has the name of an option's."""
    for name in sorted(set(os.environ) - set(known)):
        near = difflib.get_close_matches(name, known, 1, 0.85) if name.startswith(_PREFIX) else []
        if near:
            text = f"{name} is no option's variable, and has no effect"
            yield Finding("warning", "environment", text, f"{near[0]} is")
