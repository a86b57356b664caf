"""Attacks on constants of classes, on members of enums, and on bases as `abc.ABC` and Generic."""

from attack import Attack, attack

SENDS = "await self.send('' + K.A)"
CONSTANT = "class K:\n    A = 'a'"
META = "class Meta(type):\n    {0}\nclass K(metaclass=Meta):\n    A = 'a'"
OF_CLASSES: dict[str, Attack] = {
    name: attack(f"await self.send({sent})", before=before)
    for name, (sent, before) in {
        "a list": ("str(K.A)", "class K:\n    A = people"),
        "a text of its own": ("'' + K.A", "class K:\n    A = Spy('a')"),
        "a property of a metaclass": (
            "'' + K.A",
            META.format("A = property(lambda cls: current.get())"),
        ),
        "a metaclass that answers": (
            "'' + K.A",
            META.format(
                "__getattribute__ = lambda cls, name: current.get() if name == 'A' else"
                " type.__getattribute__(cls, name)"
            ),
        ),
        "a metaclass for what is missing": ("'' + K.B", META.format("__getattr__ = spying")),
        "a metaclass that claims to be type": (
            "'' + K.A",
            "class Claim(type):\n    __eq__ = lambda cls, other: True\n"
            "    __hash__ = lambda cls: hash(type)\n"
            "class Meta(type, metaclass=Claim):\n    A = property(lambda cls: current.get())\n"
            "class K(metaclass=Meta):\n    A = 'a'",
        ),
        "a base with a metaclass": (
            "'' + K.A",
            META.format("A = property(lambda cls: current.get())") + "\nclass K(K):\n    A = 'b'",
        ),
        "a descriptor": (
            "'' + K.A",
            "class Of:\n    __get__ = lambda *args: current.get()\nclass K:\n    A = Of()",
        ),
        "a text with __get__": (
            "'' + K.A",
            "class Of(str):\n    __get__ = lambda *args: current.get()\nclass K:\n    A = Of()",
        ),
        "an instance": ("'' + K.A", "class K:\n    A = property(spying)\nK = K()"),
        "an instance that looks like a class": (
            "'' + K.A",
            "class K:\n    __class__ = type\n    __mro__ = (object,)\n"
            "    __getattr__ = spying\nK = K()",
        ),
        "a module with an answer": (
            "'' + K.A",
            "class Module(types.ModuleType):\n    __getattr__ = spying\nK = Module('K')",
        ),
        "a module's __getattr__": (
            "'' + K.A",
            "K = types.ModuleType('K')\nK.__getattr__ = lambda name: current.get()",
        ),
        "a namespace": (
            "'' + K.A",
            "K = types.SimpleNamespace(A='a')\ndef enter(name):\n    current.set(name)\n"
            "    K.A = name",
        ),
        "a class that a function assigns": (
            "'' + K.A",
            CONSTANT + "\nclass Other:\n    A = 'b'\ndef enter(name):\n    global K\n"
            "    K = Other if name == 'alice' else types.SimpleNamespace(A='c')",
        ),
        "a class in a class": ("'' + K.K.A", "class K:\n    class K:\n        A = Spy('a')"),
        "a name of a class": ("K.__name__ + self.name", "class K: pass"),
        "a slot": ("str(K.A) + self.name", "class K:\n    __slots__ = ('A',)"),
        "a function of a class": ("K.A()", "class K:\n    A = spying"),
        "a bound method": ("K.A()", "class K:\n    A = people.__len__\n    A = current.get"),
        "a class method": ("K.A()", "class K:\n    A = classmethod(spying)"),
        "a static method": ("K.A()", "class K:\n    A = staticmethod(spying)"),
        "a static method of a list": (
            "K.A()",
            "class K:\n    @staticmethod\n    def A():\n        return str(people)",
        ),
        "a class by the member": (
            "{'alice': K, 'bob': J}[self.name].A",
            CONSTANT + "\nclass J:\n    A = 'b'",
        ),
        "a class that is a typed dict": (
            "str(K.A)",
            "class K:\n    A: str\nK.__getattr__ = spying\nK = K()",
        ),
        "a dataclass's field": (
            "str(K.A)",
            "import dataclasses\n@dataclasses.dataclass\nclass K:\n"
            "    A: list = dataclasses.field(default_factory=list)\nK = K()\nK.A = people",
        ),
        "a value that __init_subclass__ puts there": (
            "'' + K.A",
            "class Base:\n    def __init_subclass__(cls):\n        cls.A = Spy('a')\n"
            "class K(Base):\n    A = 'a'",
        ),
        "a value that __set_name__ puts there": (
            "'' + K.A",
            "class Of:\n    def __set_name__(self, owner, name):\n"
            "        setattr(owner, 'A', Spy('a'))\nclass K:\n    A = 'a'\n    other = Of()",
        ),
    }.items()
}
OF_CLASSES |= {
    f"{name} later": attack(SENDS, before=before, then=then)
    for name, (before, then) in {
        "another value": (CONSTANT, "module.K.A = Spy('a')"),
        "a descriptor": (
            CONSTANT + "\nclass Of:\n    __get__ = lambda *args: current.get()",
            "module.K.A = module.Of()",
        ),
        "another class": (CONSTANT, "module.K = types.SimpleNamespace(A=Spy('a'))"),
        "a value in front": (
            "class Base:\n    A = 'a'\nclass K(Base): pass",
            "module.K.A = Spy('a')",
        ),
        "another base": (
            "class Root: pass\nclass Base(Root):\n    A = 'a'\nclass Other(Root):\n"
            "    A = Spy('a')\nclass K(Base): pass",
            "module.K.__bases__ = (module.Other,)",
        ),
        "a local class": (
            CONSTANT,
            "C.h.__code__ = send_own.__code__",
        ),
    }.items()
}
OWN = "await self.send('' + self.A)"
OF_CLASSES |= {
    "the consumer's own of one": attack(
        OWN, "A = 'a'", before="def joined(consumer):\n    consumer.A = consumer.name"
    ),
    "the consumer's own that is equal": attack(
        OWN, "A = 'a'", before="def joined(consumer):\n    consumer.A = Spy('a')"
    ),
    "the consumer's own later": attack(OWN, "A = 'a'", then="C.A = Spy('a')"),
    "the consumer's own by a property later": attack(
        OWN, "A = 'a'", then="C.A = property(lambda self: current.get())"
    ),
}

KIND = 'class Kind(str, enum.Enum):\n    NOTE = "note"\n'
PLAIN = 'class Kind(enum.Enum):\n    NOTE = "note"\n'
ALL = (
    "await self.send_json([f'{Kind.NOTE}', str([Kind.NOTE]), '' + Kind.NOTE, f'{Kind.NOTE.value}'])"
)
OF_ENUMS: dict[str, Attack] = {
    name: attack(f"await self.send({sent})", before=before)
    for name, (sent, before) in {
        **{
            f"own {name}": (sent, KIND + f"    {name} = spying")
            for name, sent in {
                "__str__": "str(Kind.NOTE)",
                "__format__": "f'{Kind.NOTE}'",
                "__repr__": "str([Kind.NOTE])",
                "__add__": "Kind.NOTE + ''",
                "__radd__": "'' + Kind.NOTE",
                "__mod__": "Kind.NOTE % ()",
                "__getitem__": "Kind.NOTE[0]",
                "upper": "Kind.NOTE.upper()",
                "join": "Kind.NOTE.join(['x'])",
            }.items()
        },
        "own __eq__": (
            "str(Kind.NOTE == 'x')",
            KIND + "    __eq__ = lambda self, other: current.get() == 'alice'\n"
            "    __hash__ = str.__hash__",
        ),
        "own __hash__": (
            "{'note': 'x'}.get(Kind.NOTE, 'y')",
            KIND + "    __hash__ = lambda self: hash('note' if current.get() == 'alice' else 1)\n",
        ),
        "own __bool__": (
            "'x' if Kind.NOTE else 'y'",
            KIND + "    __bool__ = lambda self: current.get() == 'alice'",
        ),
        "own __len__": (
            "str(len(Kind.NOTE))",
            KIND + "    __len__ = lambda self: len(current.get())",
        ),
        "own value": ("Kind.NOTE.value", PLAIN + "    value = property(spying)"),
        "own name": ("Kind.NOTE.name", PLAIN + "    name = property(spying)"),
        "value by enum.property": (
            "Kind.NOTE.value",
            PLAIN + "    value = enum.property(spying)",
        ),
        "a value of its own": (
            "'' + Kind.NOTE.value",
            "class Kind(enum.Enum):\n    NOTE = Spy('x')",
        ),
        "a list": ("str(Kind.NOTE.value)", "class Kind(enum.Enum):\n    NOTE = people"),
        "a mixin's __format__": (
            "f'{Kind.NOTE}'",
            "class Mixin:\n    __format__ = spying\n"
            "class Kind(Mixin, str, enum.Enum):\n    NOTE = 'x'",
        ),
        "a text of its own": (
            "'' + Kind.NOTE",
            "class Own(str):\n    __radd__ = spying\nclass Kind(Own, enum.Enum):\n    NOTE = 'x'",
        ),
        "a metaclass": (
            "Kind.NOTE.value",
            "class Meta(enum.EnumType):\n    def __getattribute__(cls, name):\n"
            "        return types.SimpleNamespace(value=current.get()) if name == 'NOTE' else"
            " super().__getattribute__(name)\n"
            "class Kind(enum.Enum, metaclass=Meta):\n    NOTE = 'x'",
        ),
        "a member by the member's name": (
            "Kind[self.name.upper()].value",
            "class Kind(enum.Enum):\n    ALICE = 'a'\n    BOB = 'b'",
        ),
        "what is missing": (
            "Kind('x').value",
            PLAIN + "    @classmethod\n    def _missing_(cls, value):\n"
            "        people.append(1)\n        return cls.NOTE\n    value = property(spying)",
        ),
        "a label": (
            "Kind.NOTE.label",
            "from django.db.models import TextChoices\nclass Kind(TextChoices):\n"
            "    NOTE = 'n', 'x'\n    label = property(spying)",
        ),
        "a lazy label": (
            "str(Kind.NOTE.label)",
            "from django.db.models import TextChoices\n"
            "from django.utils.functional import lazy\nclass Kind(TextChoices):\n"
            "    NOTE = 'n', lazy(current.get, str)()",
        ),
        "TextChoices with __str__": (
            "str(Kind.NOTE)",
            "from django.db.models import TextChoices\nclass Kind(TextChoices):\n"
            "    NOTE = 'n'\n    __str__ = spying",
        ),
        "flags": (
            "f'{Kind.A | Kind.B}' + current.get()",
            "class Kind(enum.IntFlag):\n    A = 1\n    B = 2",
        ),
        "a dataclass in an enum": (
            "Kind.NOTE.text",
            "class Mixin:\n    text = property(spying)\n"
            "class Kind(Mixin, enum.Enum):\n    NOTE = 1",
        ),
    }.items()
}
OF_ENUMS |= {
    f"{name} later": attack(ALL, before=KIND, then=then)
    for name, then in {
        "another value": "module.Kind.NOTE._value_ = Spy('note')",
        "own __str__": "module.Kind.__repr__ = spying",
        "own __format__": "module.Kind.__format__ = spying",
        "own __radd__": "module.Kind.__radd__ = spying",
        "__radd__ of Enum": "patch.setattr(enum.Enum, '__radd__', spying, raising=False)",
        "value of Enum": "patch.setattr(enum.Enum, 'value', property(spying), raising=False)",
        "another class": "module.Kind = types.SimpleNamespace(NOTE=Spy('x'))\n"
        "Spy.value = property(spying)",
        "a member in its place": (
            "type.__setattr__(module.Kind, 'NOTE', types.SimpleNamespace(value='x'))\n"
            "C.h.__code__ = send_own.__code__"
        ),
        "the name of the class": (
            "class Name(str):\n    __str__ = lambda self: current.get()\n"
            "    __format__ = lambda self, spec: current.get()\n"
            "module.Kind.__name__ = Name('Kind')"
        ),
    }.items()
}

BASE = "class Base(abc.ABC):\n    @abc.abstractmethod\n    def unused(self): ..."
IMPORTS = "import abc\nimport typing\nT = typing.TypeVar('T')\n"
OWN_BASE = "Base, AsyncJsonWebsocketConsumer"
LINE = "await self.send(str(self.line()))"
OF_BASES: dict[str, Attack] = {
    name: attack(body, own, before=IMPORTS + before, base=base)
    for name, (body, own, before, base) in {
        "a metaclass below ABCMeta": (
            LINE,
            "def line(self):\n    return 1",
            "class Meta(abc.ABCMeta):\n    def __new__(meta, name, bases, names):\n"
            "        names['line'] = lambda self: self.name\n"
            "        return super().__new__(meta, name, bases, names)\n"
            "class Base(metaclass=Meta): pass",
            OWN_BASE,
        ),
        "a metaclass that claims to be ABCMeta": (
            LINE,
            "def line(self):\n    return 1",
            "class Claim(type):\n    __eq__ = lambda cls, other: True\n"
            "    __hash__ = lambda cls: hash(abc.ABCMeta)\n"
            "class Meta(abc.ABCMeta, metaclass=Claim):\n"
            "    def __call__(cls, *args):\n        consumer = super().__call__(*args)\n"
            "        consumer.line = lambda: consumer.name\n        return consumer\n"
            "class Base(metaclass=Meta): pass",
            OWN_BASE,
        ),
        "a protocol": (
            LINE,
            "def line(self):\n    return self.name",
            "class Base(typing.Protocol):\n    def line(self): ...",
            OWN_BASE,
        ),
        "a base that sends otherwise": (
            "await self.send('x')",
            "",
            "class Base(abc.ABC):\n    send = send_own",
            OWN_BASE,
        ),
        "a base that dispatches": (
            "await self.send('x')",
            "",
            "class Base(abc.ABC):\n    async def dispatch(self, message):\n"
            "        await super().dispatch(message)\n    send = send_own",
            OWN_BASE,
        ),
        "a base that gives attributes": (
            LINE,
            "",
            "class Base(abc.ABC):\n    def __getattr__(self, name):\n"
            "        return lambda: self.name",
            OWN_BASE,
        ),
        "a base that reads attributes": (
            LINE,
            "def line(self):\n    return 1",
            "class Base(abc.ABC):\n    def __getattribute__(self, name):\n"
            "        get = super().__getattribute__\n"
            "        return (lambda: get('name')) if name == 'line' else get(name)",
            OWN_BASE,
        ),
        "a base with the member's line": (
            LINE,
            "",
            "class Base(abc.ABC):\n    def line(self):\n        return self.name",
            OWN_BASE,
        ),
        "an abstract line that is filled in": (
            LINE,
            "line = spying",
            "class Base(abc.ABC):\n    @abc.abstractmethod\n    def line(self): ...",
            OWN_BASE,
        ),
        "an abstract property": (
            "await self.send(self.line)",
            "line = property(lambda self: self.name)",
            "class Base(abc.ABC):\n    @property\n    @abc.abstractmethod\n    def line(self): ...",
            OWN_BASE,
        ),
        "a generic's parameter": (
            "await self.send(str(self.__orig_bases__) + self.name)",
            "",
            "class Base(typing.Generic[T]): pass",
            "Base[str], AsyncJsonWebsocketConsumer",
        ),
        "a generic's line": (
            LINE,
            "",
            "class Base(typing.Generic[T]):\n    def line(self) -> T:\n        return self.name",
            "Base[str], AsyncJsonWebsocketConsumer",
        ),
        "a generic with an item": (
            LINE,
            "line = Base['x']",
            "class Base(typing.Generic[T]):\n    def __class_getitem__(cls, item):\n"
            "        return lambda self: current.get()",
            "AsyncJsonWebsocketConsumer",
        ),
        "a base's hook": (
            "await self.send('x')",
            "",
            "class Base(abc.ABC):\n    def __init_subclass__(cls):\n        cls.send = send_own",
            OWN_BASE,
        ),
        "a base with slots": (
            "await self.send(str(self.line))",
            "",
            "class Base(abc.ABC):\n    __slots__ = ('line',)\n"
            "def joined(consumer):\n    consumer.line = consumer.name",
            OWN_BASE,
        ),
        "a base that makes it": (
            LINE,
            "def line(self):\n    return 1",
            "class Base(abc.ABC):\n    def __new__(cls, *args):\n"
            "        made = object.__new__(cls)\n        made.line = lambda: made.name\n"
            "        return made",
            OWN_BASE,
        ),
        "a base with another class": (
            LINE,
            "def line(self):\n    return self.__class__.__name__ + self.name",
            "class Base(abc.ABC):\n    __class__ = property(spying)",
            OWN_BASE,
        ),
        "a base that sets": (
            LINE,
            "def line(self):\n    return 1",
            "class Base(abc.ABC):\n    def __setattr__(self, name, value):\n"
            "        object.__setattr__(self, name, value)\n"
            "        object.__setattr__(self, 'line', lambda: self.name)",
            OWN_BASE,
        ),
        "a base that begins": (
            LINE,
            "def line(self):\n    return 1",
            "class Base(abc.ABC):\n    def __init__(self, *args):\n        super().__init__()\n"
            "        self.line = lambda: self.name",
            OWN_BASE,
        ),
        "a base that sends below": (
            "await self.send('x')",
            "",
            "class Base(abc.ABC):\n    @property\n    def base_send(self):\n"
            "        async def send(message):\n"
            "            await self.real({**message, 'text': self.name})\n        return send\n"
            "    @base_send.setter\n    def base_send(self, send):\n        self.real = send",
            OWN_BASE,
        ),
    }.items()
}
OF_BASES |= {
    f"{name} later": attack(
        LINE, "def line(self):\n    return 1", before=IMPORTS + before, base=OWN_BASE, then=then
    )
    for name, (before, then) in {
        "the line of ABC": (
            "class Base(abc.ABC): pass",
            "patch.setattr(abc.ABC, '__getattr__', spying, raising=False)\nC.line = spying",
        ),
        "send of the base": ("class Base(abc.ABC): pass", "module.Base.send = send_own"),
        "__getattribute__ of the base": (
            "class Base(abc.ABC): pass",
            "module.Base.__getattribute__ = lambda self, name: spying if name == 'line' else"
            " object.__getattribute__(self, name)",
        ),
        "__getattribute__ of Generic": (
            "class Base(typing.Generic[T]): pass",
            "patch.setattr(typing.Generic, '__getattribute__', lambda self, name: spying"
            " if name == 'line' else object.__getattribute__(self, name), raising=False)",
        ),
        "equality of ABCMeta": (
            "class Base(abc.ABC): pass",
            "patch.setattr(abc.ABCMeta, '__eq__', lambda cls, other: True, raising=False)\n"
            "patch.setattr(abc.ABCMeta, '__hash__', lambda cls: hash(AsyncConsumer),"
            " raising=False)\nmodule.Base.send = send_own",
        ),
        "a metaclass": (
            "class Base(abc.ABC): pass\nclass Meta(abc.ABCMeta):\n"
            "    def __call__(cls, *args):\n        consumer = super().__call__(*args)\n"
            "        consumer.line = lambda: consumer.name\n        return consumer",
            "C.__class__ = module.Meta",
        ),
    }.items()
}
ON_CONSTANTS = {
    "constants of classes": OF_CLASSES,
    "members of enums": OF_ENUMS,
    "abstract and generic bases": OF_BASES,
}
