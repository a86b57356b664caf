"""The functions that a proved handler may call.

Each gives plain values for plain values (see `rules`), the same at every call with the same
arguments, and does nothing else. A function is known when it is what its module is known to define,
never by name or equality alone: an object of another type can claim both. What it relies on itself,
`libraries` finds.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from casgi.channels.sharing.facts import Fact, Facts, is_class
from casgi.channels.sharing.libraries import Library, is_builtin, remembered
from casgi.channels.sharing.rejection import Rejected
from casgi.origin import change_in


@dataclass(frozen=True)
class KnownFunction:
    """A function, and how it may be called.

    Attributes:
        keywords: keyword arguments that may be given; None: all.
        most: how many positional arguments may be given; None: any number.
        consumes: the first argument may be an iterator; it is used up, and never kept.
        is_iterator: the result is an iterator, for a loop or a function that consumes it.
        hooks: keywords that may be given certain functions or classes instead of plain values.
        uses: the classes, as module and name, of objects that it makes.
        defined: names of modules that must be as their files say.
        makes: objects, as module and name, that must be as the first of `uses` makes them.

    """

    module: str
    name: str
    keywords: frozenset[str] | None = frozenset()
    most: int | None = None
    consumes: bool = False
    is_iterator: bool = False
    hooks: frozenset[str] = frozenset()
    uses: tuple[tuple[str, str], ...] = ()
    defined: tuple[tuple[str, str], ...] = ()
    makes: tuple[tuple[str, str], ...] = ()

    def is_this(self, function: object) -> bool:
        """Whether an object is this function, as far as can be seen from the outside."""
        if self.module == "builtins":
            return is_builtin(function, self.name)
        module = sys.modules.get(self.module)
        if type(module) is not ModuleType or type(function) is not FunctionType:
            return False
        # What decorates a function of Django's has another module and another name.
        own = _innermost(function)
        return (
            vars(module).get(self.name) is function
            and own.__globals__ is vars(module)
            and own.__code__.co_name == self.name
        )

    def facts(self, function: object) -> tuple[Fact, ...]:
        """Return what the function relies on, or raise Rejected: something was changed."""

        def find() -> tuple[Fact, ...]:
            self._check()
            facts = Facts()
            library = Library(facts)
            library.rely_on(function)
            for module, name in self.uses:
                library.enter(vars(sys.modules[module])[name])
            return facts.all()

        return remembered((self, function), find)

    def _check(self) -> None:
        """Raise Rejected if anything is not as its file says."""
        for module, name in (*self.uses, *self.defined):
            change = _change_in(module, name)
            if change is not None:
                raise Rejected(f"relies on {self.name}(), but {change}")
        for module, name in self.makes:
            owner = vars(sys.modules[self.uses[0][0]])[self.uses[0][1]]
            if not _is_as_made(owner, vars(sys.modules[module]).get(name)):
                raise Rejected(f"relies on {self.name}(), but {module}.{name} was changed")


def _change_in(module: str, name: str) -> str | None:
    try:
        return change_in(module, [name])
    except ImportError as error:
        return str(error)


def _is_as_made(owner: type, value: object) -> bool:
    """Whether an object is of a class, and its attributes those that it gives to a new one."""
    if type(value) is not owner:
        return False
    made, attributes = vars(owner()), vars(value)
    return attributes.keys() == made.keys() and all(
        type(attributes[name]) is type(new) and (attributes[name] == new or not callable(new))
        for name, new in made.items()
        if name not in OWN_ATTRIBUTES
    )


def _innermost(function: FunctionType) -> FunctionType:
    """Return the function of a module that Django's keep_lazy() has wrapped."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name == "func" and type(cell.cell_contents) is FunctionType:
            return cell.cell_contents
    return function


def _builtins() -> Iterator[KnownFunction]:
    """Yield those builtins whose result depends on the values of their arguments alone.

    Not hash() and id(), sets (their order can hang on addresses), format() (locale), and all that
    takes functions, attributes or input and output.
    """
    nothing = frozenset[str]()
    default = frozenset({"default"})
    consuming = {
        **dict.fromkeys(["all", "any", "list", "tuple"], nothing),
        **dict.fromkeys(["max", "min"], default),
        "dict": None,
        "sorted": frozenset({"reverse"}),
        "sum": frozenset({"start"}),
    }
    iterators = {"enumerate": {"start"}, "reversed": set(), "zip": {"strict"}}
    plain = ["abs", "bool", "chr", "divmod", "float", "int", "len", "ord", "range", "round"]
    for name, keywords in consuming.items():
        yield KnownFunction("builtins", name, keywords, consumes=True)
    for name, iterator_keywords in iterators.items():
        yield KnownFunction("builtins", name, frozenset(iterator_keywords), is_iterator=True)
    for name in plain:
        yield KnownFunction("builtins", name)
    # With two arguments it looks a codec up, which anyone can register.
    yield KnownFunction("builtins", "str", most=1)


ENCODER = ("json.encoder", "JSONEncoder")
DECODER = ("json.decoder", "JSONDecoder")
DJANGO_ENCODER = ("django.core.serializers.json", "DjangoJSONEncoder")
SAFE_STRING = ("django.utils.safestring", "SafeString")
CHOICES = frozenset({"allow_nan", "check_circular", "ensure_ascii", "indent", "separators"})
HOOKS = frozenset({"cls", "default"})
DUMPS = CHOICES | HOOKS | {"skipkeys", "sort_keys"}
DUMPS_FUNCTION = KnownFunction(
    module="json",
    name="dumps",
    keywords=DUMPS,
    most=1,
    hooks=HOOKS,
    uses=(ENCODER,),
    defined=(("json", "dumps"),),
    makes=(("json", "_default_encoder"),),
)
LOADS_FUNCTION = KnownFunction(
    module="json",
    name="loads",
    most=1,
    uses=(DECODER,),
    defined=(("json", "loads"),),
    makes=(("json", "_default_decoder"),),
)
# Made anew for each decoder, of C; the class says all about it.
OWN_ATTRIBUTES = frozenset({"scan_once"})
HTML = ("html", "escape")
_KNOWN = (
    *_builtins(),
    DUMPS_FUNCTION,
    LOADS_FUNCTION,
    KnownFunction(*HTML, frozenset({"quote"}), most=2, defined=(HTML,)),
    # These give a str that is marked as HTML: of a subclass in which nothing else differs.
    KnownFunction("django.utils.html", "escape", most=1, uses=(SAFE_STRING,), defined=(HTML,)),
    KnownFunction("django.utils.safestring", "mark_safe", most=1, uses=(SAFE_STRING,)),
)


def known(function: object) -> KnownFunction | None:
    """Return what is known of a function, None when nothing is."""
    return next((each for each in _KNOWN if each.is_this(function)), None)


def django_encoder(owner: object) -> tuple[Fact, ...] | None:
    """Return the facts of Django's JSON encoder, None if this is another class.

    For plain values it does what JSONEncoder does.
    """
    module = sys.modules.get(DJANGO_ENCODER[0])
    if type(module) is not ModuleType or vars(module).get(DJANGO_ENCODER[1]) is not owner:
        return None
    if not is_class(owner):
        return None

    def find() -> tuple[Fact, ...]:
        if change_in(DJANGO_ENCODER[0], ["DjangoJSONEncoder.default"]):
            raise Rejected("relies on DjangoJSONEncoder, which was changed")
        facts = Facts()
        Library(facts).enter(owner)
        return facts.all()

    return remembered((DJANGO_ENCODER, id(owner)), find)  # which the facts keep alive
