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
    # With Sentry's SDK, which the applications start.
    "sentry": DEFAULT,
}
