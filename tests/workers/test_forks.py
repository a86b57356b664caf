"""A child that the application forks and leaves behind keeps no port in use."""

import os
import re
import signal
import socket

import pytest
from support.ports import free_port


@pytest.mark.parametrize("when", ["import", "request"])
@pytest.mark.parametrize("workers", [1, 2])
def test_port_is_free_when_a_child_outlives_the_server(start, workers, when):
    port, metrics = free_port(), free_port()
    options = ("-p", str(port), "--metrics", str(metrics), "--no-access-log")
    site = start(*options, "forked:application", workers=workers, variables={"FORK": when})
    site.get()
    if workers == 2:
        site.worker(2)
    site.stdout.wait_for(r"^forked \d+$")
    assert site.stop() == 0
    try:
        for number in (port, metrics):
            socket.create_server(("127.0.0.1", number)).close()
    finally:
        for line in site.stdout.so_far():
            if found := re.fullmatch(r"forked (\d+)", line):
                os.kill(int(found[1]), signal.SIGKILL)
