"""One middleware of each kind."""

from django.utils.decorators import async_only_middleware, sync_only_middleware


@sync_only_middleware
class SyncMarker:
    """Marks every response, in Django's thread."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Sync-Middleware"] = "seen"
        return response


@async_only_middleware
def async_marker(get_response):
    """Mark every response, on the event loop."""

    async def middleware(request):
        response = await get_response(request)
        response["X-Async-Middleware"] = "seen"
        return response

    return middleware
