"""Unix sockets: bound to a file with a mode and an owner, or to a name without one.

A name begins with "@", as it is written elsewhere: it is in Linux's abstract namespace, lies in no
folder, and goes away with the socket. Nobody can be kept from it who is in the same namespace of
the network.
"""

import contextlib
import errno
import grp
import os
import pwd
import socket
import stat

from casgi.errors import BindError, ConfigError


def bind_unix(
    path: str, mode: int, owner: str | None
) -> tuple[socket.socket, os.stat_result | None]:
    """Return a bound socket, and its file, if it has one; raise OSError, ValueError or BindError.

    A file that a server has left behind is replaced, one at which somebody answers is not. Nobody
    can connect before mode and owner are set, since the socket does not listen yet.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.startswith("@"):
            made.bind("\0" + path[1:])
            return made, None
        _remove_stale(path)
        made.bind(path)
        try:
            os.chmod(path, mode)
            if owner is not None:
                os.chown(path, *_ids_of(owner))
        except BaseException:
            os.unlink(path)
            raise
        return made, os.lstat(path)
    except BaseException:
        made.close()
        raise


def unix_name(name: str | bytes) -> str:
    """Return what a socket says of its name as it is written: a path, or "@" and a name."""
    return name if isinstance(name, str) else "@" + os.fsdecode(name[1:])


def check_owner(name: str, owner: str) -> None:
    """Take "user", "user:group" or ":group"; raise ConfigError for nobody."""
    try:
        _ids_of(owner)
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


def _ids_of(owner: str) -> tuple[int, int]:
    """Return the numbers of user and group, -1 for one that is not named."""
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


def _remove_stale(path: str) -> None:
    """Remove the file that a server left behind which ended without removing it."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise BindError(f"cannot listen on {path}: there is a file there that is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # A server whose backlog is full must not keep this one waiting.
        probe.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
                return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
