"""Django views, sync and async, each for one thing that a server can get wrong."""

import asyncio
import contextvars
import hashlib
import json
import threading

from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)

from site_of_tests.journal import entries

seen = contextvars.ContextVar("seen", default=0)


def hello(request):
    return HttpResponse("hello", content_type="text/plain")


async def hello_async(request):
    await asyncio.sleep(0)
    return HttpResponse("hello async", content_type="text/plain")


def echo(request):
    body = request.body
    return JsonResponse(
        {
            "method": request.method,
            "length": len(body),
            "digest": hashlib.sha256(body).hexdigest(),
            "content_type": request.META.get("CONTENT_TYPE", ""),
            "content_length": request.META.get("CONTENT_LENGTH", ""),
        }
    )


async def echo_async(request):
    return HttpResponse(request.body, content_type="application/octet-stream")


def read_in_parts(request):
    sizes = hashlib.sha256()
    while part := request.read(1000):
        sizes.update(part)
    return HttpResponse(sizes.hexdigest())


def meta(request):
    unstable = {"REMOTE_PORT", "SERVER_PORT", "HTTP_HOST"}
    values = {
        key: value
        for key, value in request.META.items()
        if isinstance(value, str) and key not in unstable
    }
    return JsonResponse({"META": values, "path": request.path, "path_info": request.path_info})


def query(request):
    return JsonResponse({"raw": request.META["QUERY_STRING"], "lists": dict(request.GET.lists())})


def cookies(request):
    response = JsonResponse(request.COOKIES)
    response.set_cookie("first", "1", path="/")
    response.set_cookie("second", "zwei drei", max_age=60, httponly=True, samesite="Lax")
    response.delete_cookie("third")
    for name in ("second", "third"):
        response.cookies[name]["expires"] = ""  # says the time of day
    return response


def redirect(request):
    return HttpResponseRedirect("/hello/?from=redirect")


def status(request, code):
    return HttpResponse("" if code in (204, 304) else f"status {code}", status=code)


def reason(request):
    return HttpResponse("tea", status=418, reason="I am a teapot")


def crash(request):
    raise RuntimeError("crash of a view")


async def crash_async(request):
    raise RuntimeError("crash of an async view")


def stream(request):
    return StreamingHttpResponse(f"part {number}\n" for number in range(5))


async def stream_async(request):
    async def parts():
        for number in range(5):
            await asyncio.sleep(0.01)
            yield f"part {number}\n".encode()

    return StreamingHttpResponse(parts())


async def stream_crash(request):
    async def parts():
        yield b"begun\n"
        raise RuntimeError("crash of a stream")

    return StreamingHttpResponse(parts())


async def stream_endless(request, key):
    async def parts():
        number = 0
        try:
            while True:
                yield f"data: {number}\n\n".encode()
                number += 1
                await asyncio.sleep(0.02)
        finally:
            entries[key].append(["stream ended"])

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


def upload(request):
    files = {
        name: [one.name, one.size, hashlib.sha256(one.read()).hexdigest()]
        for name, one in request.FILES.items()
    }
    return JsonResponse({"POST": request.POST.dict(), "FILES": files})


def download(request):
    return FileResponse(open(__file__, "rb"), as_attachment=True, filename="views ä.py")


def big(request, size):
    return HttpResponse(b"x" * size, content_type="application/octet-stream")


def headers(request):
    response = HttpResponse("headers")
    response["X-Latin"] = "gr\u00fcn"
    response["X-Empty"] = ""
    response["X-Long"] = "v" * 6000
    response["X-MiXeD-Case"] = "kept or not"
    return response


def counter(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return JsonResponse({"count": request.session["count"], "user": str(request.user)})


def sign_in(request):
    user = authenticate(request, username=request.GET["user"], password=request.GET["password"])
    if user is None:
        return HttpResponse("no", status=401)
    login(request, user)
    return HttpResponse(user.username)


def users(request):
    return JsonResponse({"users": list(User.objects.order_by("id").values_list("username"))})


async def users_async(request):
    names = [user.username async for user in User.objects.order_by("id")]
    return JsonResponse({"users": names})


async def leak(request):
    before = seen.get()
    seen.set(before + 1)
    return HttpResponse(str(before))


def thread(request):
    return HttpResponse("main" if threading.current_thread() is threading.main_thread() else "pool")


async def slow(request, key):
    entries[key].append(["begun"])
    try:
        await asyncio.sleep(20)
    except asyncio.CancelledError:
        entries[key].append(["cancelled"])
        raise
    return HttpResponse("slow")


def journal(request, key):
    return HttpResponse(json.dumps(entries[key]), content_type="application/json")
