"""Whether the application can be imported, and is one."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from casgi.checking.findings import Finding, plain
from casgi.errors import CasgiError
from casgi.importer import add_app_dir, import_application, import_hint
from casgi.legacy import as_asgi3


def check_application(name: str, app_dir: str) -> Iterator[Finding]:
    """Import it, as serving would."""
    try:
        add_app_dir(app_dir)
        # What the project prints is not the report.
        with contextlib.redirect_stdout(sys.stderr):
            as_asgi3(import_application(name))
    except CasgiError as error:
        yield Finding("error", "application", str(error))
    except SystemExit as error:
        yield Finding("error", "application", f"importing {name} ends the process: {error.code}")
    except Exception as error:
        text = f"importing {name} fails at {_place(error, app_dir)}: {plain(error)}"
        yield Finding("error", "application", text, import_hint(error))
    else:
        yield Finding("ok", "application", f"{name} is imported")


def _place(error: Exception, app_dir: str) -> str:
    """Return file and line: the project's own, as near to the error as there is one."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    project = Path(app_dir).resolve()
    own = [each for each in frames if project in Path(each.filename).resolve().parents]
    # What is frozen into the interpreter has no file: "<frozen os>".
    own = [each for each in own if not _is_foreign(each.filename)]
    nearest = (own or frames)[-1]
    return f"{nearest.filename}, line {nearest.lineno}"


def _is_foreign(filename: str) -> bool:
    return filename.startswith("<") or "site-packages" in filename
