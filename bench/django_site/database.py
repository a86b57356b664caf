"""The database of the pages: made before the servers start, in a process of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

GROUPS = 20
REPOSITORY = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def database() -> Iterator[Mapping[str, str]]:
    """Make it in a temporary folder; yield the variable that tells the project where."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        variable = {"BENCH_DATABASE": str(Path(folder) / "database")}
        subprocess.run(
            [sys.executable, "-m", "bench.django_site.database"],
            cwd=REPOSITORY,
            env={**os.environ, **variable},
            check=True,
            capture_output=True,
        )
        yield variable


def _make() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.django_site.settings"
    import django

    django.setup()
    from django.contrib.auth.models import Group, Permission
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection

    with connection.schema_editor() as editor:  # Faster than all migrations.
        for model in (ContentType, Permission, Group):
            editor.create_model(model)
    Group.objects.bulk_create([Group(name=f"group {number}") for number in range(GROUPS)])


if __name__ == "__main__":
    _make()
