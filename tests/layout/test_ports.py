"""The ports of the tests' servers: no two processes choose the same, the kernel none of them."""

import socket
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from support import ports


def some_ports() -> set[int]:
    """Return what one process gets in a row."""
    return {ports.free_port() for _ in range(20)}


def test_processes_do_not_share_ports() -> None:
    own = some_ports()
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        theirs = other.submit(some_ports).result()
    assert len(own) == len(theirs) == 20
    assert own.isdisjoint(theirs)
    assert max(own | theirs) < int(ports.KERNELS_RANGE.read_text().split()[0])


def test_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", ports.free_port())) as taken:
        port = taken.getsockname()[1]
        chosen = {ports.free_port() for _ in range(ports.BLOCK - 1)}
    assert port not in chosen
