"""Addresses of accounts: login and logout are Django's own views."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from accounts.views import SignUpView

urlpatterns = [
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("signup/", SignUpView.as_view(), name="signup"),
]
