"""Address of the show."""

from django.urls import path

from live.views import LiveView

urlpatterns = [path("", LiveView.as_view(), name="live")]
