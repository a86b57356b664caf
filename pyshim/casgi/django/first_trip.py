"""A request's first trip to its thread, awaited by the task that handles the request.

Django makes two tasks for each request, one that answers and one that waits for the client to
leave. Most requests are over with the first trip: all that is left is to send what is in memory.
The tasks are made only for those that are not; until then the client is watched without a task.
"""

import asyncio
import contextvars
from typing import Any

from casgi.django.client_watch import ClientWatch, is_watchable
from casgi.django.hop import Trip, arrive_in, begin_trip
from casgi.django.passage import Passage
from casgi.django.sync_front import SyncFront
from casgi.django.trip_outcome import TripOutcome


class FirstTrip:
    """One that has begun.

    Attributes:
        error: what was raised in it.

    """

    def __init__(
        self,
        passage: Passage | SyncFront,
        trip: Trip,
        watch: ClientWatch,
        context: contextvars.Context | None,
    ) -> None:
        self.error: BaseException | None = None
        self._passage = passage
        self._trip = trip
        self._outcome: TripOutcome = trip.call.future
        self._watch = watch
        self._context = context
        watch.call_when_left(self._outcome.cancel)

    @property
    def has_left(self) -> bool:
        """Whether the client has left meanwhile."""
        return self._watch.has_left

    @property
    def has_failed(self) -> bool:
        """Whether what was awaited is an error of its own."""
        return self._outcome.is_raised

    async def wait(self) -> None:
        """Wait until it is over.

        Raises CancelledError if the client has left and nothing follows; or if somebody has
        cancelled the task that waits; or if that was raised in it.
        """
        try:
            await self._outcome
        except asyncio.CancelledError:
            if not self.has_left:
                raise
            await self._cancel()
        except BaseException as error:
            self.error = error
        finally:
            self._watch.close()
            self._trip.end(self._context)

    async def _cancel(self) -> None:
        """Do as sync_to_async() does when it is cancelled."""
        if not self._trip.task_context:
            self._passage.leave()
            raise asyncio.CancelledError
        try:
            await self._trip.cancel()
        except asyncio.CancelledError:
            self._passage.leave()
            raise
        except BaseException as error:
            self.error = error

    async def go_on(self) -> Any:
        """Return the response, or raise what is to become one; in its context."""
        if self._context is not None:
            arrive_in(self._context)
        error, self.error = self.error, None
        return await self._passage.go_on(error)

    async def finish(self) -> Any:
        """Do the same, and wait before that for the trip, in a task of another context."""
        outcome = self._trip.call.renew()
        try:
            await outcome
        except asyncio.CancelledError:
            self._passage.leave()
            raise
        except BaseException as error:
            self.error = error
        return await self.go_on()


def begin_first_trip(
    passage: Passage | SyncFront, receive: Any, context: contextvars.Context | None
) -> FirstTrip | None:
    """Begin it; None if the client has left, or if nobody can be watched so.

    Args:
        passage: the request's way, of which the first part is gone.
        receive: the request's, whose body was read.
        context: what the trip runs in; None: a copy of the caller's, which gets what it has set.

    """
    if not is_watchable(receive):
        return None
    watch = ClientWatch(receive)
    trip = None if watch.has_left else begin_trip(passage.enter, context)
    if trip is None:
        watch.close()
        return None
    return FirstTrip(passage, trip, watch, context)
