"""Telling ASGI 3, ASGI 2 and WSGI applications apart."""

import functools

import pytest

from casgi.errors import ApplicationImportError
from casgi.legacy import as_asgi3


async def single(scope, receive, send):
    await send(scope)


def not_async(scope, receive, send):
    return single(scope, receive, send)


class SingleObject:
    async def __call__(self, scope, receive, send):
        await send(scope)


class SingleClass:
    """A class whose instances are awaited, as some frameworks' endpoints are."""

    def __init__(self, scope, receive, send):
        self._sending = send(scope)

    def __await__(self):
        return self._sending.__await__()


def wrap(application):
    @functools.wraps(application)
    async def wrapper(*arguments, **options):
        return await application(*arguments, **options)

    return wrapper


def wrap_anonymously(application):
    async def wrapper(*arguments):
        return await application(*arguments)

    return wrapper


class DoubleClass:
    def __init__(self, scope, extra=None):
        self.scope = scope

    async def __call__(self, receive, send):
        await send(self.scope)


class DoubleRouter:
    """An object as Channels 2's ProtocolTypeRouter is one."""

    def __call__(self, scope):
        return DoubleClass(scope)


def double_function(scope):
    async def instance(receive, send):
        await send(scope)

    return instance


def marked_double(*arguments):
    return double_function(*arguments)


marked_double._asgi_double = True

SINGLES = [
    single,
    not_async,
    SingleObject(),
    SingleClass,
    wrap(single),
    wrap_anonymously(single),
    functools.partial(single),
]
DOUBLES = [DoubleClass, DoubleRouter(), double_function, marked_double]


@pytest.mark.parametrize("application", SINGLES)
def test_asgi_3_is_left_as_it_is(application):
    assert as_asgi3(application) is application


@pytest.mark.parametrize("application", DOUBLES)
async def test_asgi_2_is_called_twice(application):
    sent = []

    async def receive():
        raise AssertionError("not called")

    async def send(event):
        sent.append(event)

    made = as_asgi3(application)
    await made({"type": "http"}, receive, send)
    assert sent == [{"type": "http"}]
    assert as_asgi3(made) is made


@pytest.mark.parametrize(
    ("application", "said"),
    [
        (lambda environ, start_response: [], "WSGI"),
        (lambda: None, "scope, receive and send"),
        (lambda a, b, c, d: None, "scope, receive and send"),
        (42, "int"),
    ],
)
def test_what_is_no_asgi_application_is_refused(application, said):
    with pytest.raises(ApplicationImportError, match=said):
        as_asgi3(application)
