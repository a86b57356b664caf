import time

from django.http import HttpRequest, HttpResponse

HEADLINE = "first edition"


def headline(request: HttpRequest) -> HttpResponse:
    return HttpResponse(HEADLINE)


def slow(request: HttpRequest) -> HttpResponse:
    print("a slow view has begun")
    time.sleep(600)
    return HttpResponse("at last")
