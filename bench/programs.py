"""The C programs of ``bench/client``, compiled when they are needed."""

import os
import subprocess
from pathlib import Path

from bench.errors import BenchError

SOURCES = Path(__file__).resolve().parent / "client"
CACHE = SOURCES.parent.parent / "build" / "bench"
COMPILER_FLAGS = ["-O2", "-std=c11", "-Wall", "-Wextra"]
CLIENT = ["websocket_client.c", "client_socket.c", "http2_carrier.c"]
PARTS = {
    "websocket_load": ["websocket_load.c", *CLIENT],
    "members": ["members.c", *CLIENT],
    "send_floor": ["send_floor.c"],
    "slow_clock.so": ["slow_clock.c"],
}
LIBRARIES = ["-lssl", "-lcrypto", "-lnghttp2", "-lz"]


def compiled(name: str) -> Path:
    """Return a compiled program, compiling it if any source is newer."""
    program = CACHE / name
    newest = max(source.stat().st_mtime for source in SOURCES.glob("*.[ch]"))
    if program.exists() and program.stat().st_mtime > newest:
        return program
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = CACHE / f"{name}.{os.getpid()}"
    compiler = [*os.environ.get("CC", "cc").split(), *COMPILER_FLAGS]
    compiler += ["-shared", "-fPIC"] if name.endswith(".so") else []
    inputs = [*(str(SOURCES / part) for part in PARTS[name]), *LIBRARIES]
    try:
        subprocess.run([*compiler, *inputs, "-o", str(unfinished)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"{name} cannot be compiled: {error}") from error
    unfinished.replace(program)
    return program
