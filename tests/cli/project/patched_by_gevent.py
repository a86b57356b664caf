"""What gevent does to a process."""

from gevent import monkey
from served import hello as application  # noqa: F401

monkey.patch_all()
