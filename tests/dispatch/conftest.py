"""Consumers on a casgi server in a thread, with acceleration."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.django_settings import configure_django
from support.server import LiveServer, Serve

configure_django()

Accelerated = Callable[..., LiveServer]


@pytest.fixture(autouse=True)
def forgotten_plans() -> Iterator[None]:
    """A class keeps what was found out about it, even that something was replaced by a test."""
    yield
    from channels.consumer import AsyncConsumer

    from casgi.channels.sharing.plan import PLAN

    classes: list[type] = [AsyncConsumer]
    while classes:
        consumer_class = classes.pop()
        classes += consumer_class.__subclasses__()
        if PLAN in vars(consumer_class):
            type.__delattr__(consumer_class, PLAN)


@pytest.fixture
def layer() -> Iterator[Any]:
    """The default layer, new for each test, and ours."""
    from channels.layers import channel_layers

    from casgi.channels import ChannelLayer

    ours = ChannelLayer(capacity=20)
    channel_layers.set("default", ours)
    yield ours
    ours.local.flush()


@pytest.fixture
def accelerated(serve: Serve, layer: Any) -> Iterator[Accelerated]:
    """Serve an application with acceleration: `accelerated(application, verify=False)`."""
    from casgi.channels.acceleration import acceleration
    from casgi.channels.verification import observed

    with ExitStack() as stack:

        def start(application: Any, *, verify: bool = False, **options: Any) -> LiveServer:
            server = serve(observed(application) if verify else application, **options)
            server.call(lambda: acceleration.begin(server.loop, verify=verify))
            stack.callback(server.call, acceleration.end)
            stack.callback(server.forget_clients)
            return server

        yield start
