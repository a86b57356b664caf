"""An application below attributes of a module."""

from types import SimpleNamespace

from served import hello

holder = SimpleNamespace(inner=SimpleNamespace(application=hello))
