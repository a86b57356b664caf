"""Sessions as the database has them that is written to, where others are read from by routers.

Of a session that was saved a moment ago a replica may know nothing yet, and a WebSocket would be
closed for a session that lives.
"""

from typing import Any


class _OfPrimary:
    """A model whose objects are asked of the database that it is written to."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def objects(self) -> Any:
        from django.db import router

        return self._model.objects.using(router.db_for_write(self._model))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def read_from_primary(session: Any) -> None:
    """Let a session of a backend with a database, which is only read, be read from there."""
    if hasattr(session, "get_model_class"):
        vars(session)["model"] = _OfPrimary(session.model)
