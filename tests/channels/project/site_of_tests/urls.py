"""The views' addresses."""

from django.urls import path

from site_of_tests import views

urlpatterns = [
    path("hello/", views.hello),
    path("hello-async/", views.hello_async),
    path("echo/", views.echo),
    path("echo-async/", views.echo_async),
    path("read-in-parts/", views.read_in_parts),
    path("meta/", views.meta),
    path("meta/<path:rest>", lambda request, rest: views.meta(request)),
    path("query/", views.query),
    path("cookies/", views.cookies),
    path("redirect/", views.redirect),
    path("status/<int:code>/", views.status),
    path("reason/", views.reason),
    path("crash/", views.crash),
    path("crash-async/", views.crash_async),
    path("stream/", views.stream),
    path("stream-async/", views.stream_async),
    path("stream-crash/", views.stream_crash),
    path("stream-endless/<key>/", views.stream_endless),
    path("upload/", views.upload),
    path("download/", views.download),
    path("big/<int:size>/", views.big),
    path("headers/", views.headers),
    path("counter/", views.counter),
    path("sign-in/", views.sign_in),
    path("users/", views.users),
    path("users-async/", views.users_async),
    path("leak/", views.leak),
    path("thread/", views.thread),
    path("slow/<key>/", views.slow),
    path("journal/<key>/", views.journal),
]
