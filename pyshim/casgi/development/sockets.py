"""The sockets of `manage.py runserver`, which outlive the process that a reload ends.

Django's reloader is two processes: one watches over the other, which serves and is started anew
after every change. The first listens, the second inherits. A browser that comes back during a
reload waits in the queue of the socket, and is not refused.
"""

import os

from casgi.config import Config
from casgi.sockets import BoundSocket, bind_sockets

_VARIABLE = "CASGI_RUNSERVER_SOCKETS"


def inherited_sockets() -> list[int]:
    """Return the descriptors that the watching process has bound; none in that process."""
    # Processes that the project starts do not know them.
    return [int(descriptor) for descriptor in os.environ.pop(_VARIABLE, "").split()]


def bind_inheritable(address: str, port: int) -> list[BoundSocket]:
    """Listen, and let the processes that this one starts inherit. Raises BindError."""
    sockets = bind_sockets(Config(bind=address, port=port))
    for bound in sockets:
        bound.socket.set_inheritable(True)
        bound.socket.listen(bound.backlog)
    os.environ[_VARIABLE] = " ".join(str(bound.socket.fileno()) for bound in sockets)
    return sockets
