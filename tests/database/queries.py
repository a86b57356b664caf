"""What a consumer does with a database, as functions for its thread."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections


def query(alias: str = "default") -> Any:
    """Ask for something; return the connection that was open for it."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    return connections[alias]


def fail() -> None:
    """Ask for something that there is not."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT * FROM nothing")
    except DatabaseError:
        return
    raise AssertionError("there is a table `nothing`")


def leave_transaction() -> None:
    """Begin a transaction."""
    connections["default"].set_autocommit(False)


def end_transaction() -> None:
    """End the transaction."""
    connections["default"].commit()
    connections["default"].set_autocommit(True)


def terminate(identity: int) -> None:
    """Have PostgreSQL end another connection, as a restart of it does."""
    other = connections["other"]
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [identity])
    other.close()


def identity() -> int:
    """Return what PostgreSQL calls this connection."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        number: int = cursor.fetchone()[0]
        return number


aquery = sync_to_async(query)
