"""Several workers that serve one application, and the process that keeps them: `--workers`.

The supervisor imports no application. It owns the listening sockets, starts each worker as a new
interpreter that runs the same command, and replaces what ends: docs/workers.md.
"""
