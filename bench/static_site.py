"""Starlette's files of one folder, and the folder: what servers without static files serve."""

import os

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FOLDER = "BENCH_STATIC_FOLDER"
"""The variable of the environment that names the folder."""

application = Starlette(
    routes=[Mount("/static", StaticFiles(directory=os.environ.get(FOLDER), check_dir=False))]
)
