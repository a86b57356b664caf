from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from guestbook import greeting
from guestbook.models import Entry


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "guestbook/page.html", {"greeting": greeting.greeting()})


def entries(request: HttpRequest) -> JsonResponse:
    return JsonResponse(list(Entry.objects.values_list("text", flat=True)), safe=False)
