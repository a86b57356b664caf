"""Addresses of the one-to-one chat."""

from django.urls import path

from direct.views import ConversationView

app_name = "direct"
urlpatterns = [
    path("", ConversationView.as_view(), name="people"),
    path("<str:username>/", ConversationView.as_view(), name="conversation"),
]
