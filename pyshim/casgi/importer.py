"""Finding the application that `module:attribute` names.

What the user mistyped is an ApplicationImportError of one line. An error that the module itself
raises is the project's, not the command line's: it comes through with its traceback.
"""

import difflib
import importlib
import inspect
import os
import sys
from types import FunctionType, ModuleType
from typing import Any

from casgi.errors import ApplicationImportError, ConfigError
from casgi.green_threads import green_library

_MOST_SUGGESTED = 5


def add_app_dir(app_dir: str) -> None:
    """Let modules be imported from a folder; raise ConfigError if there is none."""
    if not os.path.isdir(app_dir):
        raise ConfigError(f'the folder "{app_dir}" of --app-dir is not there')
    sys.path.insert(0, os.path.abspath(app_dir))


def import_application(name: str) -> Any:
    """Return what `name` stands for: "package.module:attribute.path", with () to call a factory.

    Raises ApplicationImportError for what cannot be meant, and where threads are not threads.
    """
    module_name, separator, attributes = name.partition(":")
    is_factory = attributes.endswith("()")
    attributes = attributes.removesuffix("()")
    if not (separator and module_name and attributes):
        raise ApplicationImportError(
            f'"{name}" does not name an application: write module:attribute,'
            " for example project.asgi:application"
        )
    if "/" in module_name or module_name.endswith(".py"):
        raise ApplicationImportError(
            f'"{module_name}" is a path: write the module as Python imports it,'
            f" {_module_of_path(module_name)}"
        )
    module = _import_module(module_name)
    _refuse_green_threads()
    target = _follow(module, attributes)
    if not is_factory:
        return target
    if not callable(target):
        raise ApplicationImportError(f'"{module_name}:{attributes}" is not callable')
    made = target()
    if inspect.iscoroutine(made):
        made.close()
        raise ApplicationImportError(
            f'"{module_name}:{attributes}" is an async function: one that makes the application has'
            " to be a plain one (what it awaits belongs into the lifespan)"
        )
    return made


def _module_of_path(path: str) -> str:
    """Return how the module of a file is named, with its folder where that is another one."""
    folder, name = os.path.split(os.path.normpath(path.removesuffix(".py")))
    if folder.startswith(("/", "..")):
        return f"with its folder: --app-dir {folder} {name}:..."
    return os.path.join(folder, name).replace("/", ".")


def _import_module(module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that the application imports may be missing too: that one needs its traceback.
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(f"{missing}."):
            raise
        raise ApplicationImportError(_missing_module_text(module_name, missing)) from None


def _refuse_green_threads() -> None:
    """Raise ApplicationImportError where nothing would be served and no signal be heard."""
    library = green_library()
    if library is not None:
        raise ApplicationImportError(
            f"{library} has replaced Python's threads and sockets beneath asyncio, on which no ASGI"
            " server runs: remove its monkey patch, or serve this application by a WSGI server"
        )


def _missing_module_text(module_name: str, missing: str) -> str:
    where = f' (there is no "{missing}")' if missing != module_name else ""
    return (
        f'there is no module "{module_name}"{where}: is its folder the current one,'
        " or named by --app-dir?"
    )


def import_hint(error: Exception) -> str | None:
    """Return what to do about an error of Django's that an asgi.py often begins with."""
    if type(error).__name__ == "AppRegistryNotReady":
        return (
            "Django was not set up when this was imported: in asgi.py call"
            " get_asgi_application() before the imports of consumers, routing and models"
        )
    if type(error).__name__ == "ImproperlyConfigured" and "settings are not configured" in str(
        error
    ):
        return (
            "set DJANGO_SETTINGS_MODULE in the environment, or at the beginning of asgi.py:"
            ' os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")'
        )
    return None


def _follow(module: ModuleType, attributes: str) -> Any:
    target: Any = module
    for attribute in attributes.split("."):
        try:
            target = getattr(target, attribute)
        except AttributeError:
            raise ApplicationImportError(
                f'module "{module.__name__}" has no attribute "{attributes}"'
                + _suggestion(target, attribute)
            ) from None
    return target


def _suggestion(target: Any, attribute: str) -> str:
    """Return a question with what was meant, or what there is to name."""
    try:
        there = {name: value for name, value in vars(target).items() if name[0] != "_"}
    except TypeError:
        return ""
    near = difflib.get_close_matches(attribute, there, 1)
    if near:
        return f': did you mean "{near[0]}"?'
    own = [
        name
        for name, value in there.items()
        if callable(value) and (not isinstance(value, type)) and _is_own(value, target)
    ]
    return f": it has {', '.join(own[:_MOST_SUGGESTED])}" if own else ""


def _is_own(value: Any, target: Any) -> bool:
    """Whether it is an object, or a function that the module itself defines."""
    home = getattr(target, "__name__", None)
    return not isinstance(value, FunctionType) or value.__module__ == home
