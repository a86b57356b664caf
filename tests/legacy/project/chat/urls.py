"""Pages: one to log in by, one of Django REST framework, and its description."""

from django.conf.urls import url
from django.contrib.auth import authenticate, login
from django.http import HttpResponse
from drf_yasg2 import openapi
from drf_yasg2.views import get_schema_view
from rest_framework.response import Response
from rest_framework.views import APIView


class WhoAmI(APIView):
    def get(self, request):
        return Response({"user": str(request.user)})


def log_in(request):
    user = authenticate(username=request.POST["username"], password=request.POST["password"])
    if user is None:
        return HttpResponse(status=403)
    login(request, user)
    return HttpResponse(f"Hello {user}")


schema = get_schema_view(openapi.Info(title="Chat", default_version="1"), public=True)
urlpatterns = [
    url(r"^login/$", log_in),
    url(r"^api/$", WhoAmI.as_view()),
    url(r"^schema(?P<format>\.json)$", schema.without_ui()),
]
