"""The formatter leaves the state diagrams in comments as they are drawn."""

import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIAGRAM = """/* A head.
 *
 *   CONNECTING --accept--> OPEN --on_close, whoever has begun--> CLOSING --a turn--> CLOSED
 *        |
 *        `--refused, by the application or by us--> CLOSED */
int one;
"""


def test_diagram_stays() -> None:
    program = Path(sysconfig.get_path("scripts")) / "clang-format"
    command = [str(program), f"--assume-filename={ROOT / 'csrc' / 'one.c'}"]
    done = subprocess.run(command, input=DIAGRAM, capture_output=True, text=True, check=True)
    assert done.stdout == DIAGRAM
