"""The two worker processes, and what a case is for them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from equivalence.codec import plain
from equivalence.program import Case
from equivalence.source import source_of

TESTS = Path(__file__).resolve().parents[1]


class Company:
    """One long-lived worker: "stock", "accelerated", "verifying", or a sabotage by name."""

    def __init__(self, mode: str, folder: Path) -> None:
        self.mode = mode
        self.folder = folder
        self._orders = 0
        paths = [str(TESTS), str(TESTS.parent / "pyshim"), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "equivalence.worker", mode, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            text=True,
        )

    def ask(self, case: Case, seed: int = 0) -> None:
        self._orders += 1
        order = {
            "number": self._orders,
            "module": str(self._written(case)),
            "capacity": case.program.capacity,
            "actions": plain(case.actions),
            "seed": seed,
        }
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the {self.mode} worker ended: {self.process.wait()}"
        answer = dict(json.loads(line))
        assert answer.pop("number") == self._orders, f"the {self.mode} worker is out of step"
        return answer

    def play(self, case: Case, seed: int = 0) -> dict[str, Any]:
        self.ask(case, seed)
        return self.answer()

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def _written(self, case: Case) -> Path:
        source = source_of(case.program)
        name = hashlib.sha256(source.encode()).hexdigest()[:16]
        path = self.folder / f"program_{name}.py"
        if not path.exists():
            path.write_text(source)
        return path
