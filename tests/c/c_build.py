"""Compiles C tests and fuzz replays with the sanitizers; keeps the objects under build/."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from support.file_lock import locked

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from native_libraries import NativeLibraries, find_native_libraries  # noqa: E402

BUILD = ROOT / "build" / "c-tests"
COMPILER = os.environ.get("CC", "cc")
SANITIZERS = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-fno-omit-frame-pointer",
]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wmissing-prototypes", "-Werror"]
FLAGS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-DCASGI_TEST_ALLOCATIONS",
    "-O1",
    "-g",
    f"-I{ROOT / 'csrc'}",
    f"-I{ROOT / 'tests' / 'c'}",
]

# The folders of csrc/ that a test of a layer is linked with: its own, and those it may include.
LAYERS = {
    "base": ("base",),
    "net": ("base", "net"),
    "http": ("base", "http"),
    "http2": ("base", "http", "http2"),
    "ws": ("base", "ws"),
    "tls": ("base", "net", "tls"),
    "server": ("base", "net", "http", "http2", "ws", "server"),
    "hub": ("base", "net", "http", "http2", "ws", "server", "hub"),
}


@cache
def libraries() -> NativeLibraries:
    return find_native_libraries()


def build_program(source: Path, layer: str, extra: tuple[Path, ...] = ()) -> Path:
    """Compile `source` and `extra`, link them with the layer, and return the program.

    Raises AssertionError with the compiler's words.
    """
    own = [*(path for folder in LAYERS[layer] for path in (ROOT / "csrc" / folder).glob("*.c"))]
    jobs = [(path, WARNINGS) for path in (source, *extra, *sorted(own))]
    if "http" in LAYERS[layer]:
        jobs += [(Path(path), ["-w"]) for path in libraries().sources]
    with locked(BUILD / "lock"):
        with ThreadPoolExecutor(2) as pool:
            objects = list(pool.map(lambda job: _compile(*job), jobs))
        program = BUILD / "bin" / source.stem
        if not _is_newer(program, objects):
            program.parent.mkdir(parents=True, exist_ok=True)
            linked = [*libraries().link_args, "-lm"]
            _run([COMPILER, *SANITIZERS, *map(str, objects), "-o", str(program), *linked])
    return program


def run_program(program: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Return its output; a failed check, a leak or a report of a sanitizer fails the test."""
    done = subprocess.run([str(program), *arguments], input=stdin, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-8000:]
    return done.stdout


def _compile(source: Path, warnings: list[str]) -> Path:
    command = [COMPILER, *FLAGS, *SANITIZERS, *warnings, *libraries().compile_args]
    digest = hashlib.sha256(" ".join([*command, str(source)]).encode()).hexdigest()[:8]
    target = BUILD / "objects" / f"{source.stem}-{digest}.o"
    if not _is_up_to_date(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _run([*command, "-MMD", "-c", str(source), "-o", str(target)])
    return target


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"


def _is_newer(target: Path, sources: list[Path]) -> bool:
    try:
        made = target.stat().st_mtime_ns
        return all(source.stat().st_mtime_ns < made for source in sources)
    except FileNotFoundError:
        return False


def _is_up_to_date(target: Path) -> bool:
    """Whether the object is newer than everything that its compiler says it was made from."""
    dependencies = target.with_suffix(".d")
    if not dependencies.exists():
        return False
    rule = dependencies.read_text().replace("\\\n", " ").partition(": ")[2]
    return _is_newer(target, [Path(name) for name in rule.split()])
