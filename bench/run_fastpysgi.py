"""Start fastpysgi like the other peers: ``python -m bench.run_fastpysgi MODULE:NAME PORT``.

Its own command line binds every interface unless told otherwise and looks for modules only beside
the working directory.
"""

import importlib
import sys
from typing import Any

BODY_LIMIT = 2**31 - 1  # bytes; the default of 10 MB would refuse the large upload


def main() -> None:
    """Serve the application named on the command line on 127.0.0.1."""
    fastpysgi: Any = importlib.import_module("fastpysgi")
    module, _, name = sys.argv[1].partition(":")
    fastpysgi.server.max_content_length = BODY_LIMIT
    application = getattr(importlib.import_module(module), name)
    fastpysgi.run(application, host="127.0.0.1", port=int(sys.argv[2]))


if __name__ == "__main__":
    main()
