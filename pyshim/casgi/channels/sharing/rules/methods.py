"""Methods of plain values, and `str.format`."""

import ast
import re
import string

from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.plain import are_constants
from casgi.channels.sharing.rules.scope import Scope, words

METHODS = frozenset(
    {
        *["append", "copy", "count", "extend", "get", "index", "insert", "pop", "remove"],
        *["reverse", "setdefault", "sort", "update"],
        *["capitalize", "casefold", "center", "endswith", "expandtabs", "find", "join", "ljust"],
        *["lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind"],
        *["rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith"],
        *["strip", "swapcase", "title", "upper", "zfill", "decode", "encode", "hex"],
        *["isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric"],
        *["isspace", "istitle", "isupper"],
    }
)
KEYWORDS = frozenset({"keepends", "maxsplit", "reverse", "sep"})
# These use up an iterator, or any iterable, that is their only argument.
CONSUMING = frozenset({"extend", "join"})
VIEWS = frozenset({"items", "keys", "values"})
# Anyone can register a codec, but not in the place of this one; and handlers of errors, under any
# name, so that none can be asked for.
CODECS = frozenset({"encode", "decode"})
UTF_8 = frozenset({"utf-8", "utf8", "UTF-8"})
# No attributes: there is no way from a value to its class or module.
FIELD = re.compile(r"(\w*)(\[\w+\])*")


def method_of_plain(scope: Scope, node: ast.Call, name: str) -> bool:
    """Let a call of a method of plain values through; return whether it gives a view."""
    given = {keyword.arg for keyword in node.keywords}
    if name in VIEWS and not node.args and not given:
        scope.lookups.attributes.add(name)
        return True
    if name == "format":
        _check_fields(node)
    elif name not in METHODS or not given <= KEYWORDS:
        raise Rejected(f"calls the method {words(node)}", node.lineno)
    if name in CODECS and not (len(node.args) <= 1 and are_constants(node.args, UTF_8)):
        raise Rejected(f"calls {words(node)}, not UTF-8", node.lineno)
    scope.lookups.attributes.add(name)
    for argument in node.args:
        if name in CONSUMING:
            scope.consumed(argument)
        else:
            scope.value(argument)
    for keyword in node.keywords:
        scope.value(keyword.value)
    return False


def _check_fields(node: ast.Call) -> None:
    """Let `"...".format()` of a literal through, whose fields take no attributes and no locale."""
    from casgi.channels.sharing.rules.values import FORMAT

    template = node.func.value if isinstance(node.func, ast.Attribute) else node
    if not isinstance(template, ast.Constant) or type(template.value) is not str:
        raise Rejected(f"calls the method {words(node)} of a text that is not there", node.lineno)
    try:
        fields = list(string.Formatter().parse(template.value))
    except ValueError:
        raise Rejected(f"calls the method {words(node)}", node.lineno) from None
    for _, name, specification, _ in fields:
        if not FIELD.fullmatch(name or "") or not FORMAT.fullmatch(specification or ""):
            raise Rejected(f"calls the method {words(node)}", node.lineno)
