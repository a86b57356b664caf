"""A Starlette application with a route that has a parameter."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def item(request):
    return PlainTextResponse("starlette")


starlette = Starlette(routes=[Route("/items/{number}", item)])
fast = FastAPI()


@fast.get("/things/{number}")
async def thing(number: int) -> str:
    return "fast"
