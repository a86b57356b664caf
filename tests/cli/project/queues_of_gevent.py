"""What gevent does to a process whose threads are left alone."""

import os

from gevent import monkey
from served import hello as application  # noqa: F401

monkey.patch_all(thread=False, queue="WITH_QUEUES" in os.environ)
