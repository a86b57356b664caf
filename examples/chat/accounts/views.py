"""Signing up."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError, transaction
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
        name.validators.append(
            MaxLengthValidator(NAME_LENGTH, f"The name is longer than {NAME_LENGTH} characters.")
        )
        name.help_text = f"Up to {NAME_LENGTH} letters, digits and @ . + - _"
        self.fields["password1"].help_text = "At least 8 characters, and not a common password."
        self.fields["password2"].help_text = ""


class SignUpView(CreateView):
    """Makes an account and logs it in."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    success_url = reverse_lazy("direct:people")

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """Log the new user in, so that the next page is the chat."""
        try:
            with transaction.atomic():
                response = super().form_valid(form)
        except IntegrityError:
            # Somebody took the name after the form had looked.
            form.add_error("username", "A user with that username already exists.")
            return self.form_invalid(form)
        login(self.request, self.object)
        return response
