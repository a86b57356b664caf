"""Which expressions of a handler give plain values: the invariant of `purity`.

Each method lets a construct through by returning, and raises Obstacle at what is not listed.
"""

import ast
import re
from collections.abc import Iterator
from types import ModuleType

from casgi.channels.sharing.known_functions import django_json_encoder, known
from casgi.channels.sharing.lookups import Lookups
from casgi.channels.sharing.obstacle import Obstacle

PLAIN_TYPES = (str, int, float, bool, bytes, type(None))
# Expressions that are plain when all of their parts are.
COMPOSED = (
    *[ast.BinOp, ast.BoolOp, ast.Dict, ast.IfExp, ast.JoinedStr, ast.List, ast.Slice, ast.Starred],
    *[ast.Subscript, ast.Tuple, ast.UnaryOp],
)
# As `format` reads it, without `n`.
FORMAT = re.compile(r"(.?[<>=^])?[-+ ]?z?#?0?\d*[,_]?(\.\d+)?[bcdeEfFgGosxX%]?")
METHODS = frozenset(
    {
        *[
            "append",
            "copy",
            "count",
            "extend",
            "get",
            "index",
            "insert",
            "pop",
            "remove",
            "reverse",
        ],
        *["setdefault", "sort", "update"],
        *["capitalize", "casefold", "center", "endswith", "expandtabs", "find", "join", "ljust"],
        *["lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind"],
        *["rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith"],
        *["strip", "swapcase", "title", "upper", "zfill", "decode", "encode", "hex"],
        *["isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric"],
        *["isspace", "istitle", "isupper"],
    }
)
METHOD_KEYWORDS = frozenset({"keepends", "maxsplit", "reverse", "sep"})
# These use up an iterator, or any iterable, that is their only argument.
CONSUMING_METHODS = frozenset({"extend", "join"})
VIEWS = frozenset({"items", "keys", "values"})
# Anyone can register a codec, but not in the place of this one.
CODECS = frozenset({"encode", "decode"})
UTF_8 = frozenset({"utf-8", "utf8", "UTF-8"})
Names = frozenset[str]


class Expressions:
    """The expressions of one handler. `names` are the local ones where an expression stands."""

    def __init__(self, receiver: str, lookups: Lookups) -> None:
        self.receiver = receiver
        self.lookups = lookups

    def value(self, node: ast.expr, names: Names) -> None:
        """Let an expression through that gives a plain value, with these names as local ones."""
        match node:
            case ast.Constant(value=value) if _is_plain(value):
                pass
            case ast.Name():
                self._name(node, names)
            case ast.NamedExpr(target=target, value=value):
                self.value(value, names)
                self.bind(target, names)
            case ast.Compare(left=left, ops=operators, comparators=comparators):
                self.value(left, names)
                for operator, comparator in zip(operators, comparators, strict=True):
                    self._comparator(operator, comparator, names)
            case ast.ListComp(elt=ast.expr() as element):
                self.value(element, self._comprehension(node.generators, names))
            case ast.DictComp(key=key, value=value):
                inner = self._comprehension(node.generators, names)
                self.value(key, inner)
                self.value(value, inner)
            case ast.FormattedValue(value=value, format_spec=specification):
                self.value(value, names)
                _check_format(specification)
            case ast.Call() if self._call(node, names):
                raise Obstacle(f"keeps the iterator {words(node)}", node.lineno)
            case ast.Call():
                pass
            case _ if isinstance(node, COMPOSED):
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child, names)
            case _:
                raise Obstacle(f"uses {words(node)}", node.lineno)

    def consumed(self, node: ast.expr, names: Names) -> None:
        """Let a plain value or an iterator through, where an iterator is used up at once."""
        match node:
            case ast.GeneratorExp(elt=element, generators=generators):
                self.value(element, self._comprehension(generators, names))
            case ast.Call():
                self._call(node, names)
            case _:
                self.value(node, names)

    def _comprehension(self, generators: list[ast.comprehension], names: Names) -> Names:
        """Return the names within a comprehension; only its first iterable is outside of it."""
        inner = names
        for generator in generators:
            if generator.is_async:
                raise Obstacle("has an asynchronous comprehension", generator.iter.lineno)
            self.consumed(generator.iter, inner)
            self.bind(generator.target, inner)
            inner |= frozenset(stored(generator.target))
            for condition in generator.ifs:
                self.value(condition, inner)
        return inner

    def _comparator(self, operator: ast.cmpop, node: ast.expr, names: Names) -> None:
        """Let the right side of a comparison through."""
        match operator, node:
            case ((ast.Is() | ast.IsNot()), ast.Constant(value=None | True | False)):
                pass
            case ((ast.Is() | ast.IsNot()), _):
                raise Obstacle(f"compares by identity with {words(node)}", node.lineno)
            case ((ast.In() | ast.NotIn()), ast.Set(elts=parts)) if _are_constants(parts):
                pass
            case ((ast.In() | ast.NotIn()), _):
                self.consumed(node, names)
            case _:
                self.value(node, names)

    def bind(self, target: ast.expr, names: Names) -> None:
        """Let an assignment to local names, or into a plain value, through."""
        match target:
            case ast.Name(id=name) if name != self.receiver:
                pass
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.bind(part, names)
            case ast.Starred(value=part):
                self.bind(part, names)
            case ast.Subscript(value=value, slice=key):
                self.value(value, names)
                self.value(key, names)
            case _:
                raise Obstacle(f"assigns {words(target)}", target.lineno)

    def _name(self, node: ast.Name, names: Names) -> None:
        """Let a local name through, or a global one of a plain immutable value."""
        if node.id == self.receiver:
            raise Obstacle(f"uses {node.id}", node.lineno)
        if node.id in names:
            return
        value = self.lookups.resolve(node)
        if not _is_plain(value):
            raise Obstacle(f"uses the global {node.id}, which is no plain constant", node.lineno)

    def is_own(self, call: ast.Call) -> bool:
        """Whether this calls a method of the consumer."""
        match call.func:
            case ast.Attribute(value=ast.Name(id=name)):
                return name == self.receiver
        return False

    # Calls

    def _call(self, node: ast.Call, names: Names) -> bool:
        """Let a call through that gives a plain value, or an iterator: return which."""
        if any(isinstance(part, ast.Starred) for part in node.args):
            raise Obstacle(f"calls {words(node)} with *", node.lineno)
        if any(keyword.arg is None for keyword in node.keywords):
            raise Obstacle(f"calls {words(node)} with **", node.lineno)
        match node.func:
            case ast.Attribute() if self.is_own(node):
                raise Obstacle(f"uses {words(node.func)}", node.lineno)
            case ast.Attribute(value=ast.Name() as owner, attr=name) if owner.id not in names:
                return self._call_of_global(node, self.lookups.resolve(owner), name, names)
            case ast.Attribute(value=receiver, attr=name):
                self.value(receiver, names)
                return self._call_method(node, name, names)
            case ast.Name() as function if function.id not in names:
                if function.id == self.receiver:
                    raise Obstacle(f"uses {function.id}", node.lineno)
                return self._call_known(node, self.lookups.resolve(function), names)
        raise Obstacle(f"calls {words(node.func)}", node.lineno)

    def _call_of_global(self, node: ast.Call, owner: object, name: str, names: Names) -> bool:
        """Let a call of a module's function, or of a global constant's method, through."""
        if type(owner) is ModuleType:
            return self._call_known(node, self.lookups.attribute(owner, name), names)
        if _is_plain(owner):
            return self._call_method(node, name, names)
        raise Obstacle(f"calls {words(node.func)}, not known to be pure", node.lineno)

    def _call_known(self, node: ast.Call, function: object, names: Names) -> bool:
        """Let a call of a known function through; return whether it gives an iterator."""
        callee = known(function)
        if callee is None:
            raise Obstacle(f"calls {words(node.func)}, not known to be pure", node.lineno)
        given = {str(keyword.arg) for keyword in node.keywords}
        allowed = given if callee.keywords is None else callee.keywords
        if not given <= allowed or (callee.most is not None and len(node.args) > callee.most):
            raise Obstacle(f"calls {words(node)} with arguments of unknown use", node.lineno)
        for number, argument in enumerate(node.args):
            if callee.is_iterator or (callee.consumes and number == 0):
                self.consumed(argument, names)
            else:
                self.value(argument, names)
        for keyword in node.keywords:
            if keyword.arg not in callee.hooks or not self._is_known_hook(keyword, names):
                self.value(keyword.value, names)
        self.lookups.facts += callee.relies_on
        return callee.is_iterator

    def _is_known_hook(self, keyword: ast.keyword, names: Names) -> bool:
        """Whether this is json.dumps' `cls` or `default`, with one that is known."""
        if not isinstance(keyword.value, ast.Name) or keyword.value.id in names:
            return False
        hook, facts = (str, ()) if keyword.arg == "default" else django_json_encoder()
        if self.lookups.resolve(keyword.value) is not hook:
            return False
        self.lookups.facts += facts
        return True

    def _call_method(self, node: ast.Call, method: str, names: Names) -> bool:
        """Let a call of a method of plain values through; return whether it gives a view."""
        given = {keyword.arg for keyword in node.keywords}
        if method in VIEWS and not node.args and not given:
            self.lookups.attributes.add(method)
            return True
        if method not in METHODS or not given <= METHOD_KEYWORDS:
            raise Obstacle(f"calls the method {words(node)}", node.lineno)
        if method in CODECS and not (node.args == [] or _are_constants(node.args, UTF_8)):
            raise Obstacle(f"calls {words(node)}, not UTF-8", node.lineno)
        self.lookups.attributes.add(method)
        for argument in node.args:
            if method in CONSUMING_METHODS:
                self.consumed(argument, names)
            else:
                self.value(argument, names)
        for keyword in node.keywords:
            self.value(keyword.value, names)
        return False


def stored(node: ast.AST) -> Iterator[str]:
    """Yield the names that become local to a function: not the targets of comprehensions."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.comprehension) and child is node.target):
            yield from stored(child)


def _is_plain(value: object) -> bool:
    """Whether this is an immutable value of exactly a plain type, whatever it says of itself."""
    return any(type(value) is plain for plain in PLAIN_TYPES)


def _check_format(specification: ast.expr | None) -> None:
    """Let a constant format specification through that does not depend on the locale."""
    match specification:
        case None:
            pass
        case ast.JoinedStr(values=[ast.Constant(value=str(text))]) if FORMAT.fullmatch(text):
            pass
        case _:
            raise Obstacle(f"formats with {words(specification)}", specification.lineno)


def _are_constants(nodes: list[ast.expr], allowed: frozenset[str] | None = None) -> bool:
    """Whether these are constants of plain types."""
    return all(
        isinstance(node, ast.Constant)
        and _is_plain(node.value)
        and (allowed is None or node.value in allowed)
        for node in nodes
    )


def words(node: ast.AST) -> str:
    """Return the source of a node for a person."""
    line = ast.unparse(node).partition("\n")[0]
    return line if len(line) <= 60 else line[:57] + "..."
