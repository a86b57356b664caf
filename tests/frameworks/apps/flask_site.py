"""A WSGI site as it is, which casgi refuses, and within a2wsgi, which casgi serves."""

from collections.abc import Iterator

from a2wsgi import WSGIMiddleware
from flask import Flask, Response, request

flask = Flask(__name__)


@flask.get("/")
def hello() -> str:
    return "hello"


@flask.post("/body")
def body() -> str:
    return str(len(request.get_data()))


@flask.get("/stream")
def stream() -> Response:
    def parts() -> Iterator[str]:
        for number in range(100):
            yield f"{number}\n"

    return Response(parts(), mimetype="text/plain")


application = WSGIMiddleware(flask)
