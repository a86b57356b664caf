"""Attacks on `del`, `match` and `raise`."""

from attack import Attack, attack

OF_DEL: dict[str, Attack] = {
    name: attack(body, before=before)
    for name, (body, before) in {
        "an attribute": ("del self.name\nawait self.send('x')", ""),
        "an attribute of many": ("del event['text'], self.name\nawait self.send('x')", ""),
        "an attribute in brackets": ("del (event['text'], [self.name])\nawait self.send('x')", ""),
        "self": ("del self\nawait self.send('x')", "class Own: send = send_own\nself = Own()"),
        "a global's item": (
            "del people[:]\nawait self.send(str(people))",
            "def enter(name):\n    current.set(name)\n    people[:] = [name]\n"
            "def joined(consumer):\n    consumer.send = lambda text: send_own(consumer)",
        ),
        "a list of the class": (
            "del K.items[:1]\nawait self.send(str(K.items))",
            "class K:\n    items = [*range(99)]",
        ),
        "an attribute of a module": ("del json.x\nawait self.send(self.name)", "json.x = 1"),
        "an attribute of the class": ("del C.x\nawait self.send(self.name)", "x = 1"),
        "a local that hides a global": (
            "people = event\ndel people\nawait self.send(str(people))",
            "def joined(consumer):\n    consumer.send_json = send_own",
        ),
        "a global": ("global text\ndel text\nawait self.send(self.name)", "text = 'x'"),
        "by the member": (
            "del event['items'][len(self.groups)]\nawait self.send_json(event)",
            "def joined(consumer):\n    consumer.groups = [1] * (consumer.name == 'alice')",
        ),
        "by a slice of the member": (
            "del event['items'][: len(self.name) - 3]\nawait self.send_json(event)",
            "",
        ),
        "by a key of the member": (
            "keys = {'alice': 'text', 'bob': 'number'}\ndel event[keys[self.name]]\n"
            "await self.send_json(event)",
            "",
        ),
        "by a count": ("del event['items'][next(numbers) % 2]\nawait self.send_json(event)", ""),
        "by a text of its own": ("del event[Spy('text')]\nawait self.send_json(event)", ""),
        "an item of a proxy": (
            "del proxy['x']\nawait self.send(str(proxy))",
            "class Proxy:\n    __delitem__ = lambda self, key: None\n    __str__ = spying\n"
            "proxy = Proxy()",
        ),
        "an item that remembers": (
            "del items['x']\nawait self.send(str(items))",
            "class Items(dict):\n    __delitem__ = lambda self, key: people.append(key)\n"
            "    __str__ = lambda self: str(people)\nitems = Items()",
        ),
        "a name in a loop": (
            "for each in self.groups:\n    del each\nawait self.send_json(self.groups)",
            "",
        ),
        "what a comparison chose": (
            "if self.name < 'b':\n    del event['text']\nawait self.send_json(event)",
            "",
        ),
        "what an assignment found": (
            "found = [self.name]\ndel found[1:]\nawait self.send(found[0])",
            "",
        ),
        "what is awaited": (
            "del event[await self.key()]\nawait self.send_json(event)",
            "",
        ),
        "what a function gives": (
            "del line()[:1]\nawait self.send(str(line()) + current.get())",
            "def line():\n    return people",
        ),
        "for one of two outcomes": (
            "if self.name == 'alice':\n    del event['text']\nawait self.send_json(event)",
            "",
        ),
        "twice": (
            "if self.name == 'alice':\n    del event['text']\ndel event['text']\n"
            "await self.send_json(event)",
            "",
        ),
    }.items()
}
OF_DEL["what is awaited"] = attack(
    "del event[await self.key()]\nawait self.send_json(event)",
    "async def key(self):\n    return 'text' if self.name < 'b' else 'number'",
)
OF_DEL |= {
    "a constant later": attack(
        "del event[KEY]\nawait self.send_json(event)",
        before="KEY = 'text'",
        then="module.KEY = Spy('text')\nSpy.__hash__ = lambda self: hash('text')\n"
        "Spy.__eq__ = lambda self, other: current.get() == 'alice' and other == 'text'",
    ),
    "a helper's key later": attack(
        "del event[key()]\nawait self.send_json(event)",
        before="def key():\n    return 'text'",
        then="module.key = lambda: 'text' if current.get() == 'alice' else 'number'",
    ),
}

# A class for patterns that decides by who runs.
KIND = """
class Meta(type):
    __instancecheck__ = lambda *args: current.get() == "alice"
class Kind(metaclass=Meta):
    pass
"""
OF_MATCH: dict[str, Attack] = {
    name: attack(f"match {match}\nawait self.send('last')", before=KIND + before)
    for name, (match, before) in {
        "a class that answers": ("event:\n    case Kind():\n        await self.send('x')", ""),
        "a class of a class": (
            "event:\n    case Kinds.KIND():\n        await self.send('x')",
            "class Kinds:\n    KIND = Kind",
        ),
        "own match arguments": (
            "event['text']:\n    case Text(x):\n        await self.send(x)",
            "class Text(metaclass=Meta):\n    __match_args__ = ('upper',)\n"
            "Meta.__instancecheck__ = lambda *args: True\n"
            "def joined(consumer):\n    consumer.send = lambda text: send_own(consumer)",
        ),
        "an attribute of a text": (
            "event['text']:\n    case str(__class__=x): await self.send(f'{x}{self.name}')",
            "",
        ),
        "the member": ("self.name:\n    case 'alice':\n        await self.send('x')", ""),
        "self": ("self:\n    case x:\n        await self.send(x.name)", ""),
        "self among others": (
            "[event, self]:\n    case [_, x]:\n        await self.send(x.name)",
            "",
        ),
        "the scope": ("self.scope:\n    case {'user': x}:\n        await self.send(x)", ""),
        "a value of the member": (
            "'alice':\n    case self.name:\n        await self.send('x')",
            "",
        ),
        "a value of a module": (
            "event['text']:\n    case state.now:\n        await self.send('x')",
            "state = types.SimpleNamespace(now='')\n"
            "def enter(name):\n    state.now = 'hello' if name == 'alice' else ''",
        ),
        "a value of its own": (
            "event['text']:\n    case Texts.SPY:\n        await self.send('x')",
            "class Texts:\n    SPY = Spy('x')",
        ),
        "a value by a descriptor": (
            "event['text']:\n    case Texts.SPY:\n        await self.send('x')",
            "class Of:\n    __get__ = lambda *args: 'hello' if current.get() == 'alice' else ''\n"
            "class Texts:\n    SPY = Of()",
        ),
        "a value by a metaclass": (
            "event['text']:\n    case Texts.SPY:\n        await self.send('x')",
            "class Own(type):\n    SPY = property(lambda cls: current.get() and 'hello'"
            " if current.get() == 'alice' else '')\nclass Texts(metaclass=Own):\n    SPY = 'hello'",
        ),
        "a key of the member": (
            "{'alice': 1}:\n    case {self.name: x}:\n        await self.send(str(x))",
            "",
        ),
        "a key of its own": (
            "event:\n    case {Texts.SPY: x}:\n        await self.send(str(x))",
            "class Texts:\n    SPY = Spy('x')\n"
            "Spy.__hash__ = lambda self: hash('text' if current.get() == 'alice' else 'x')\n"
            "Spy.__eq__ = lambda self, other: True",
        ),
        "a guard of the member": (
            "event:\n    case x if self.name < 'b':\n        await self.send('x')",
            "",
        ),
        "a guard of the context": (
            "event:\n    case x if current.get() == 'alice':\n        await self.send('x')",
            "",
        ),
        "a guard that counts": (
            "event:\n    case x if next(numbers) % 3:\n        await self.send('x')",
            "",
        ),
        "a name that is self": (
            "event:\n    case {'text': self}:\n        pass",
            "",
        ),
        "self by the rest": ("event:\n    case {'text': _, **self}:\n        pass", ""),
        "self by a star": ("event['items']:\n    case [_, *self]:\n        pass", ""),
        "self by as": ("event:\n    case {} as self:\n        pass", ""),
        "a mapping of its own": (
            "items:\n    case {'x': x}:\n        await self.send(x)",
            "class Items(dict):\n    get = lambda self, key, default: current.get()\n"
            "items = Items(x=1)",
        ),
        "a sequence of its own": (
            "items:\n    case [x]:\n        await self.send(x)",
            "import collections\nclass Items(collections.UserList):\n"
            "    __getitem__ = lambda self, key: current.get()\nitems = Items([1])",
        ),
        "what a walrus found": (
            "(own := self):\n    case x:\n        await self.send(x.name)",
            "",
        ),
        "a global that a pattern binds": (
            "event:\n    case {'number': 'x' as people}: pass\nawait self.send(str(people))",
            "def joined(consumer):\n    consumer.send = lambda text: send_own(consumer)",
        ),
    }.items()
}
MATCH = "match event['text']:\n    case {0}:\n        await self.send('x')"
OF_MATCH |= {
    "a type that is hidden later": attack(
        MATCH.format("str()"), before=KIND, then="module.str = module.Kind"
    ),
    "a constant of a class later": attack(
        MATCH.format("Texts.HELLO"),
        before="class Texts:\n    HELLO = 'hello'",
        then="module.Texts.HELLO = Spy('hello')",
    ),
    "a descriptor later": attack(
        MATCH.format("Texts.HELLO"),
        before="class Texts:\n    HELLO = 'hello'\n"
        "class Of:\n    __get__ = lambda *args: 'hello' if current.get() == 'alice' else ''",
        then="module.Texts.HELLO = module.Of()",
    ),
    "a base's constant later": attack(
        MATCH.format("Texts.HELLO"),
        before="class Base:\n    HELLO = 'hello'\nclass Texts(Base):\n    pass",
        then="module.Base.HELLO = Spy('hello')",
    ),
}

OF_RAISE: dict[str, Attack] = {
    name: attack(f"try:\n    {body}\nexcept BaseException as error:\n    {answer}", before=before)
    for name, (body, answer, before) in {
        **{
            f"{error} that is caught": (f"raise {error}", "await self.send(self.name)", "")
            for error in (
                *["ValueError", "KeyError('x')", "SystemExit", "SystemExit(3)"],
                *["KeyboardInterrupt", "GeneratorExit", "StopIteration", "StopAsyncIteration"],
                *["BaseException", "MemoryError", "RecursionError", "NotImplemented"],
            )
        },
        "with the member": ("raise ValueError(self.name)", "await self.send(str(error))", ""),
        "with self": ("raise ValueError(self)", "await self.send(error.args[0].name)", ""),
        "from another": (
            "raise ValueError from KeyError(self.name)",
            "await self.send(str(error.__cause__))",
            "",
        ),
        "an error of its own": (
            "raise Own",
            "await self.send(str(error))",
            "class Own(Exception):\n    __str__ = spying",
        ),
        "an error that answers": (
            "raise Own",
            "await self.send(str(error))",
            "class Meta(type):\n    __call__ = lambda cls, *args: ValueError(current.get())\n"
            "class Own(Exception, metaclass=Meta): pass",
        ),
        "an error made by a function": (
            "raise made()",
            "await self.send(str(error))",
            "def made():\n    return ValueError(current.get())",
        ),
        "an error that is kept": (
            "raise kept",
            "kept.add_note('x')\n    await self.send(str(kept.__notes__))",
            "kept = ValueError('x')",
        ),
        "a hidden builtin": (
            "raise ValueError('x')",
            "await self.send(str(error))",
            "class ValueError(Exception):\n    __str__ = spying",
        ),
        "again": (
            "raise",
            "await self.send(f'{error} {self.name}')",
            "",
        ),
        "by a generator": (
            "raise (ValueError(each) for each in people)",
            "await self.send(self.name)",
            "",
        ),
        "by attribute": (
            "raise json.JSONDecodeError('x', current.get(), 0)",
            "await self.send(error.doc)",
            "",
        ),
        "an ordinary function that exits": (
            "raise exit(3)",
            "await self.send(self.name)",
            "",
        ),
        "only for one": (
            "if self.name == 'alice':\n        raise ValueError",
            "await self.send('x')",
            "",
        ),
        "an end of the process for one": (
            "if self.name == 'alice':\n        raise SystemExit",
            "await self.send('x')",
            "",
        ),
    }.items()
}
RAISES = "if event['number'] == 8:\n    raise ValueError('x')\nawait self.send('x')"
OF_RAISE |= {
    "a hidden builtin later": attack(
        RAISES,
        before="class Own(Exception): pass",
        then="module.ValueError = module.Own\nC.h.__code__ = send_own.__code__",
    ),
    "another event's error": attack(
        "await self.send(line(event))",
        before="def line(event):\n    if event['number'] == 8:\n        raise ValueError\n"
        "    return 'x'",
        then="module.line = spying",
    ),
}
ON_STATEMENTS = {"del": OF_DEL, "match": OF_MATCH, "raise": OF_RAISE}
