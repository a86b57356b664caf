"""Looking into a running server and changing it: `casgi ctl`.

It asks a unix socket that only the server's owner may open (`--control`). A request and its answer
are one line of JSON each: `protocol`. What can be asked is the table in `commands`. The supervisor
answers what it knows itself, also while the workers' Python is busy, and asks the workers, which
have called in at the same socket, for the rest. Each process answers on a thread of its own, so
that a held-up event loop can be looked into.
"""
