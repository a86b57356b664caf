"""Entry point of ``python -m bench``; `hub` compares no servers, and has its own."""

import sys

from bench import hub
from bench.command import main

if __name__ == "__main__":
    sys.exit(hub.main(sys.argv[2:]) if sys.argv[1:2] == ["hub"] else main())
