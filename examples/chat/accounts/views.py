"""Signing up."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.views.generic import CreateView

from project.messages import NAME_LENGTH


class SignUpForm(UserCreationForm):
    """A name short enough for the pages, and a password twice."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Say the rules of this site in the help texts."""
        super().__init__(*arguments, label_suffix="", **options)
        name = self.fields["username"]
        name.widget.attrs["maxlength"] = NAME_LENGTH
        name.help_text = f"Up to {NAME_LENGTH} letters, digits and @ . + - _"
        self.fields["password1"].help_text = "At least 8 characters, and not a common password."
        self.fields["password2"].help_text = ""

    def clean_username(self) -> str:
        """Refuse long names."""
        name: str = super().clean_username()
        if len(name) > NAME_LENGTH:
            raise ValidationError(f"The name is longer than {NAME_LENGTH} characters.")
        return name


class SignUpView(CreateView):
    """Makes an account and logs it in."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    success_url = reverse_lazy("direct:people")

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """Log the new user in, so that the next page is the chat."""
        response = super().form_valid(form)
        login(self.request, self.object)
        return response
