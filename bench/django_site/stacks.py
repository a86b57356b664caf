"""The stacks of middleware that are measured, by the names that `--middleware` takes."""

DEFAULT = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

STACKS = {
    "default": DEFAULT,
    "none": [],
    "more": [
        DEFAULT[0],
        "whitenoise.middleware.WhiteNoiseMiddleware",
        DEFAULT[1],
        "corsheaders.middleware.CorsMiddleware",
        *DEFAULT[2:],
    ],
    # With its apps in INSTALLED_APPS, and its URLs.
    "allauth": [*DEFAULT, "allauth.account.middleware.AccountMiddleware"],
    # With DEBUG, and the toolbar in each page of HTML.
    "toolbar": ["debug_toolbar.middleware.DebugToolbarMiddleware", *DEFAULT],
    # With Sentry's SDK, which the applications start.
    "sentry": DEFAULT,
}

APPS = {"allauth": ["allauth", "allauth.account"], "toolbar": ["debug_toolbar"]}
"""What some of them need in INSTALLED_APPS."""
