"""Unix sockets: bound to a file with a mode and an owner, or to a name without one.

A name begins with "@", as it is written elsewhere: it is in Linux's abstract namespace, lies in no
folder, and goes away with the socket. Nobody can be kept from it who is in the same namespace of
the network.
"""

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass

from casgi.errors import BindError, ConfigError

# Whoever may read a folder may lock it: after so long it is done without, rather than never.
_LONGEST_LOCK = 5.0
_BETWEEN_TRIES = 0.005


@dataclass(frozen=True, slots=True)
class SocketFile:
    """The file of a bound socket: where it is, and which it is."""

    path: str
    device: int
    inode: int

    @classmethod
    def at(cls, path: str) -> "SocketFile":
        """Return the one that is there; raise OSError."""
        status = os.lstat(path)
        return cls(os.path.abspath(path), status.st_dev, status.st_ino)

    def remove(self) -> None:
        """Remove it, unless another server has taken the path since. Can be called again.

        To be called before the socket is closed: as long as that is open, no other file has its
        number.
        """
        with contextlib.suppress(OSError):
            if SocketFile.at(self.path) == self:
                os.unlink(self.path)


def bind_unix(path: str, mode: int, owner: str | None) -> tuple[socket.socket, SocketFile | None]:
    """Return a bound socket, and its file, if it has one; raise OSError, ValueError or BindError.

    A file that a server has left behind is replaced, one whose socket somebody has still is not,
    be it that of a server that has not begun to listen. Nobody can connect before mode and owner
    are set, since the socket does not listen yet.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.startswith("@"):
            made.bind("\0" + path[1:])
            return made, None
        with _only_one_in(os.path.dirname(path) or os.curdir):
            _remove_stale(path)
            made.bind(path)
        file = SocketFile.at(path)
        try:
            os.chmod(path, mode)
            if owner is not None:
                os.chown(path, *owner_ids(owner))
        except BaseException:
            file.remove()
            raise
        return made, file
    except BaseException:
        made.close()
        raise


def unix_name(name: str | bytes) -> str:
    """Return what a socket says of its name as it is written: a path, or "@" and a name."""
    return name if isinstance(name, str) else "@" + os.fsdecode(name[1:])


def check_owner(name: str, owner: str) -> None:
    """Take "user", "user:group" or ":group"; raise ConfigError for nobody."""
    try:
        owner_ids(owner)
    except BindError as error:
        raise ConfigError(f"{name}: {error}") from None


def check_mode(name: str, mode: str) -> None:
    """Take octal permissions; raise ConfigError for anything else."""
    if (
        not mode.isdecimal()
        or not mode.isascii()
        or set(mode) & {"8", "9"}
        or int(mode, 8) > 0o7777
    ):
        raise ConfigError(f"{name} must be octal permissions such as 660, not {mode!r}")


def owner_ids(owner: str) -> tuple[int, int]:
    """Return the numbers of user and group, -1 for one that is not named; raise BindError."""
    user, _, group = owner.partition(":")
    if not user and not group:
        raise BindError(f"an owner is user, user:group or :group, not {owner!r}")
    try:
        uid = -1 if not user else int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise BindError(f"there is no user {user!r} here") from None
    try:
        gid = -1 if not group else int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise BindError(f"there is no group {group!r} here") from None
    return uid, gid


@contextlib.contextmanager
def _only_one_in(folder: str) -> Iterator[None]:
    """Let no two servers replace a socket in a folder at once; hubs lock it alike."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # It may not be read, or is not there, which binding will tell.
        yield
        return
    until = time.monotonic() + _LONGEST_LOCK
    try:
        while time.monotonic() < until:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_BETWEEN_TRIES)
            except OSError:  # A file system without such locks.
                break
            else:
                break
        yield
    finally:
        # A child that was forked meanwhile has the descriptor, too: closing it would not do.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _remove_stale(path: str) -> None:
    """Remove the file that a server left behind which ended without removing it."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise BindError(f"cannot listen on {path}: there is a file there that is not a socket")
    if _is_bound(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_bound(path: str) -> bool:
    """Return whether a process has the socket of a file, though it may not listen; raise OSError.

    A stream that connects is refused by one that does not listen yet as by nobody's. A datagram
    socket is refused by nobody's alone: of any other it is told that its type is the wrong one.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False  # Who ends meanwhile removes the file.
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
    return True
