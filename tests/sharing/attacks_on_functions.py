"""Attacks on defaults and variadic parameters, on functions and methods that are proved, and on
isinstance() and escape()."""

from attack import Attack, attack

OF_PARAMETERS: dict[str, Attack] = {
    name: attack(body, before="import os\nshared_list = []", head=f"async def h({parameters}):")
    for name, (parameters, body) in {
        "a list": ("self, event, seen=[]", "seen.append(1)\nawait self.send(str(seen))"),
        "a dict": ("self, event, seen={}", "seen[len(seen)] = 1\nawait self.send(str(seen))"),
        "a list by keyword": (
            "self, event, *, seen=[]",
            "seen.append(1)\nawait self.send(str(seen))",
        ),
        "a list in a tuple": (
            "self, event, seen=([],)",
            "seen[0].append(1)\nawait self.send(str(seen))",
        ),
        "a text of its own": ("self, event, more=Spy('x')", "await self.send('' + more)"),
        "a function": ("self, event, more=spying", "await self.send(more())"),
        "a class": ("self, event, more=Spy", "await self.send('' + more('x'))"),
        "an iterator": ("self, event, more=numbers", "await self.send(str(next(more)))"),
        "a context variable": ("self, event, more=current", "await self.send(more.get())"),
        "a set": ("self, event, more=set()", "more.add(len(more))\nawait self.send(str(more))"),
        "the environment": (
            "self, event, more=os.environ",
            "await self.send(str(more['HOME']) + self.name)",
        ),
        "a global's value": ("self, event, more=people", "await self.send(str(more))"),
        "an object": ("self, event, more=object()", "await self.send(f'{more}' + self.name)"),
        "a module": ("self, event, more=os", "await self.send(f'{more}' + current.get())"),
        "a lambda": ("self, event, more=lambda: current.get()", "await self.send(more())"),
        "self by a star": ("*parts", "await parts[0].send(parts[0].name)"),
        "the member's in named ones": (
            "self, event, **named",
            "named['x'] = self.name\nawait self.send_json(named)",
        ),
        "the member's in others": (
            "self, event, *others",
            "await self.send_json([*others, self.name])",
        ),
        "self as a default": (
            "self, event, more=None",
            "more = more or self\nawait self.send(more.name)",
        ),
        "a default that a global hides": (
            "self, event, people=people",
            "await self.send(str(people))",
        ),
    }.items()
}
MORE = {"head": "async def h(self, event, more='x', *, last='y', **named):"}
BODY = "await self.send('' + more + last + str(named))"
OF_PARAMETERS |= {
    "another default later": attack(BODY, **MORE, then="C.h.__defaults__ = (Spy('x'),)"),
    "a list later": attack(
        "await self.send(str(more))",
        head="async def h(self, event, more='x'):",
        then="C.h.__defaults__ = (people,)",
    ),
    "another keyword default later": attack(
        BODY, **MORE, then="C.h.__kwdefaults__['last'] = Spy('y')"
    ),
    "other keyword defaults later": attack(
        BODY, **MORE, then="C.h.__kwdefaults__ = {'last': Spy('y')}"
    ),
    "keyword defaults that lie": attack(
        BODY,
        before="class Lies(dict):\n    get = lambda self, name, default=None: 'y'\n"
        "    __len__ = lambda self: 1\n    __iter__ = lambda self: iter(['last'])",
        **MORE,
        then="C.h.__kwdefaults__ = module.Lies(last=Spy('y'))",
    ),
}

LIES = """
class Lies(dict):
    get = lambda self, name, default=None: 'y'
    __len__ = lambda self: 1
    __iter__ = lambda self: iter(['last'])
"""
OF_PARAMETERS["keyword defaults that lie from the beginning"] = attack(
    "await self.send('' + last)",
    "h.__kwdefaults__ = Lies(last=Spy('y'))",
    before=LIES,
    head="async def h(self, event, *, last='y'):",
)

FUNCTION = "await self.send(str(line(event)))"
METHOD = "await self.send(str(self.line(event)))"
OF_HELPERS: dict[str, Attack] = {
    **{
        f"a function: {name}": attack(FUNCTION, before=before)
        for name, before in {
            "of the context": "def line(event):\n    return current.get()",
            "that counts": "def line(event):\n    return next(numbers)",
            "with a memory": "def line(event, seen=[]):\n    seen.append(1)\n    return seen",
            "with a closure": (
                "def made(seen):\n    def line(event):\n        seen.append(1)\n"
                "        return seen\n    return line\nline = made([])"
            ),
            "by the kind of its argument": (
                "import functools\nline = functools.singledispatch(spying)"
            ),
            "three deep": (
                "def line(event):\n    return second(event)\ndef second(event):\n"
                "    return third(event)\ndef third(event):\n    return str(people)"
            ),
            "that is a class": "class line(str):\n    __str__ = spying",
            "that is an object": "class Line:\n    __call__ = spying\nline = Line()",
            "that claims a builtin's name": (
                "class Line:\n    __call__ = spying\n    __name__ = 'len'\n"
                "    __self__ = __import__('builtins')\nline = Line()"
            ),
            "that claims to be a function": (
                "class Line:\n    __class__ = types.FunctionType\n    __call__ = spying\n"
                "    __code__ = enter.__code__\n    __globals__ = globals()\n"
                "    __defaults__ = __kwdefaults__ = __closure__ = None\nline = Line()"
            ),
            "of other code": ("def line(event):\n    return 1\nline.__code__ = spying.__code__"),
            "of a bound method": "line = people.count\nline = current.get\ndef unused(): pass",
        }.items()
    },
    **{
        f"a method: {name}": attack(METHOD, own)
        for name, own in {
            "of the member": "def line(self, event):\n    return self.name",
            "of an alias": "def line(self, event):\n    own = self\n    return own.name",
            "that sets": "def line(self, event):\n    self.seen = event\n    return self.name",
            "by super": "def line(self, event):\n    return super().name if self.name else 1",
            "of the class": "@classmethod\ndef line(cls, event):\n    return str(people)",
            "by a property": "line = property(lambda self: lambda event: self.name)",
            "by a static method": "@staticmethod\ndef line(event):\n    return str(people)",
        }.items()
    },
    "a method that claims to be one": attack(
        "await self.line(event)",
        "line = Claim()",
        before="""
        class Meta(type):
            __eq__ = lambda cls, other: True
            __hash__ = lambda cls: hash(types.FunctionType)
        async def innocent(self, event):
            await self.send("x")
        async def evil(event):
            pass
        class Claim(metaclass=Meta):
            __func__ = innocent
            def __get__(self, consumer, owner):
                if hasattr(consumer, "name"):
                    return types.MethodType(innocent, consumer)
                async def evil(event):
                    await consumer.send(current.get())
                return evil
        """,
    ),
    "another function later": attack(
        FUNCTION, before="def line(event):\n    return 1", then="module.line = spying"
    ),
    "other code later": attack(
        FUNCTION,
        before="def line(event):\n    return 1",
        then="module.line.__code__ = spying.__code__",
    ),
    "a hidden builtin later": attack(
        FUNCTION, before="def line(event):\n    return len(event)", then="module.len = spying"
    ),
    "another method later": attack(
        METHOD, "def line(self, event):\n    return 1", then="C.line = spying"
    ),
    "a static method made anew in its place": attack(
        "await self.send(str(Lines.of(event)))",
        before="class Lines:\n    @staticmethod\n    def of(event):\n        return 1",
        then="vars(module.Lines)['of'].__init__(spying)",
    ),
    "an own static method made anew in its place": attack(
        METHOD,
        "@staticmethod\ndef line(event):\n    return 1",
        then="vars(C)['line'].__init__(spying)",
    ),
    "a static method of a subclass later": attack(
        "await self.send(str(Lines.of(event)))",
        before="class Base:\n    @staticmethod\n    def of(event):\n        return 1\n"
        "class Lines(Base):\n    pass",
        then="module.Lines.of = staticmethod(spying)",
    ),
    "a method of one consumer": attack(
        METHOD,
        "def line(self, event):\n    return 1",
        before="def joined(consumer):\n    consumer.line = spying",
    ),
}

ASKS = "await self.send(str({}))"
OF_ISINSTANCE: dict[str, Attack] = {
    name: attack(ASKS.format(asked), before=before)
    for name, (asked, before) in {
        "a class that answers": (
            "isinstance(event, Kind)",
            "class Meta(type):\n    __instancecheck__ = spying\n"
            "class Kind(metaclass=Meta): pass\n"
            "def spying(*args): return current.get() == 'alice'\n"
            "Meta.__instancecheck__ = spying",
        ),
        "an abstract class": (
            "isinstance(event['text'], Kind)",
            "import abc\nclass Kind(abc.ABC):\n    @classmethod\n"
            "    def __subclasshook__(cls, other):\n        return current.get() == 'alice'\n"
            "def joined(consumer):\n    Kind._abc_impl = None or Kind._abc_impl\n"
            "    abc._reset_caches(Kind)\n",
        ),
        "a union": (
            "isinstance(event, str | Kind)",
            "class Meta(type):\n    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "class Kind(metaclass=Meta): pass",
        ),
        "a tuple of one that answers": (
            "isinstance(event, (str, Kind))",
            "class Meta(type):\n    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "class Kind(metaclass=Meta): pass",
        ),
        "a global tuple": (
            "isinstance(event, KINDS)",
            "class Meta(type):\n    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "class Kind(metaclass=Meta): pass\nKINDS = (str, Kind)",
        ),
        "a builtin's name": (
            "isinstance(event, str)",
            "class Meta(type):\n    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "class str(metaclass=Meta): pass\nstr.__new__ = lambda cls, x: x or 'False'\n"
            "str = types.new_class('str', (), {'metaclass': Meta})\n"
            "real = ''.__class__\nMeta.__call__ = lambda cls, x: real(x)",
        ),
        "of the member": ("isinstance(self.name, str) and self.name", ""),
        "of self": ("isinstance(self, dict) or self.name", ""),
        "what is asked is the member's": (
            "isinstance(event, self.kind)",
            "def joined(consumer):\n    consumer.kind = dict if consumer.name == 'alice' else str",
        ),
        "what is asked is computed": (
            "isinstance(event, type(self.name))",
            "def joined(consumer):\n"
            "    consumer.name = consumer.name if consumer.name == 'alice' else {}",
        ),
        "a text of its own": ("isinstance(Spy('x'), str) and Spy('x')", ""),
        "a proxy": (
            "isinstance(proxy, str)",
            "class Proxy:\n    @property\n    def __class__(self):\n"
            "        return str if current.get() == 'alice' else int\nproxy = Proxy()",
        ),
        "another isinstance": (
            "isinstance(event, str)",
            "def isinstance(one, other):\n    return current.get()",
        ),
        "isinstance of a module": (
            "tools.isinstance(event, str)",
            "tools = types.SimpleNamespace(isinstance=spying)",
        ),
        "issubclass": (
            "issubclass(Kind, str)",
            "class Meta(type):\n    __subclasscheck__ = spying\n"
            "class Kind(metaclass=Meta): pass\n"
            "issubclass = spying",
        ),
        "by keywords": ("isinstance(*[event, Spy]) or self.name", ""),
        "a list of the member's": (
            "[isinstance(each, str) for each in self.groups] + self.groups",
            "",
        ),
        "a generic": (
            "isinstance(event, Kind[str])",
            "class Kind:\n    def __class_getitem__(cls, item):\n"
            "        return dict if current.get() == 'alice' else str",
        ),
        "a protocol": (
            "isinstance(event, Kind)",
            "import typing\nclass Meta(type(typing.Protocol)):\n"
            "    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "class Kind(typing.Protocol, metaclass=Meta): pass",
        ),
        "a class of a class": (
            "isinstance(event, Kinds.TEXT)",
            "class Meta(type):\n    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "class Kinds:\n    class TEXT(metaclass=Meta): pass",
        ),
        "a virtual subclass": (
            "isinstance(event, collections.abc.Sized)",
            "import collections.abc\n"
            "class Meta(type(collections.abc.Sized)):\n"
            "    __instancecheck__ = lambda *a: current.get() == 'alice'\n"
            "collections = types.SimpleNamespace(abc=types.SimpleNamespace(\n"
            "    Sized=Meta('Sized', (), {})))",
        ),
    }.items()
}
WHETHER = "await self.send(str(isinstance(event['text'], (str, int))))"
OF_ISINSTANCE |= {
    "another isinstance later": attack(WHETHER, then="module.isinstance = spying"),
    "another builtin later": attack(
        WHETHER,
        then="real = isinstance\npatch.setattr('builtins.isinstance', lambda one, kinds:"
        " current.get() == 'alice' if kinds == (str, int) else real(one, kinds))",
    ),
    "another type later": attack(
        "await self.send(f\"{isinstance(event['text'], int)}\")",
        then="module.int = type('int', (), {'__class__': current})\n"
        "module.isinstance = lambda *args: current.get()",
    ),
    "a type that is hidden later": attack(
        "await self.send(f\"{isinstance(event['text'], int)}\")",
        before="class Meta(type):\n    __instancecheck__ = lambda *a: current.get() == 'alice'",
        then="module.int = module.Meta('int', (), {})",
    ),
}

ESCAPES = "await self.send('' + escape(event['text']))"
ESCAPE = "from django.utils.html import escape\nfrom django.utils import html, safestring\n"
OF_ESCAPE: dict[str, Attack] = {
    name: attack(f"await self.send({sent})", before=ESCAPE + before)
    for name, (sent, before) in {
        "the member's": ("escape(self.name) + ''", ""),
        "the context's": ("'' + escape(current.get())", ""),
        "a lazy text": (
            "'' + escape(text)",
            "from django.utils.functional import lazystr, lazy\ntext = lazy(current.get, str)()",
        ),
        "a text of its own": ("'' + escape(Spy('x'))", ""),
        "what has __html__": (
            "'' + escape(text)",
            "class Text(str):\n    __html__ = spying\n    __str__ = spying\ntext = Text('x')",
        ),
        "another escape": ("'' + escape(event['text'])", "escape = spying"),
        "one of the same name": (
            "'' + escape(event['text'])",
            "def escape(text, seen=[]):\n    seen.append(1)\n    return str(seen)",
        ),
        "conditional_escape": (
            "'' + html.conditional_escape(text)",
            "class Text(str):\n    __html__ = spying\ntext = Text('x')",
        ),
        "format_html": (
            "'' + html.format_html('{}', text)",
            "class Text(str):\n    __html__ = spying\ntext = Text('x')",
        ),
        "mark_safe of a function": (
            "safestring.mark_safe(spying)() + ''",
            "",
        ),
        "mark_safe of the member": ("'' + safestring.mark_safe(self.name)", ""),
        "mark_safe of a text of its own": ("'' + safestring.mark_safe(Spy('x'))", ""),
        "the class itself": ("'' + safestring.SafeString(self.name)", ""),
        "an escape that is wrapped": (
            "'' + escape(event['text'])",
            "import functools\nold = escape\n@functools.wraps(old)\ndef escape(text):\n"
            "    return old(current.get())",
        ),
        "an escape that claims its module": (
            "'' + escape(event['text'])",
            "def escape(text):\n    return current.get()\nescape.__module__ = 'django.utils.html'",
        ),
        "an escape of a list": ("'' + escape(people)", ""),
        "an address": ("'' + escape(object)", "object = object()\nobject = people"),
        "an iterator": ("'' + escape(str(next(numbers)))", ""),
        "named": ("'' + escape(text=self.name)", ""),
        "spread": ("'' + escape(*[self.name])", ""),
    }.items()
}
OF_ESCAPE |= {
    f"{name} later": attack(ESCAPES, before=ESCAPE, then=then)
    for name, then in {
        "another escape": "module.escape = spying",
        "SafeString's __radd__": (
            "patch.setattr(module.safestring.SafeString, '__radd__', spying, raising=False)"
        ),
        "SafeString's __new__": (
            "patch.setattr(module.safestring.SafeString, '__new__', "
            "lambda cls, text: Spy(text), raising=False)"
        ),
        "SafeString in its module": ("patch.setattr(module.html, 'SafeString', Spy)"),
        "the html module within": (
            "patch.setattr(module.html, 'html', types.SimpleNamespace(escape=spying))"
        ),
        "Python's escape": "patch.setattr('html.escape', spying)",
        "the code of Python's escape": (
            "import html\npatch.setattr(html.escape, '__code__',"
            " (lambda s, quote=True: str(__import__('time').perf_counter_ns())).__code__)"
        ),
        "the builtin str within": "patch.setattr(module.html, 'str', spying, raising=False)",
    }.items()
}
ON_FUNCTIONS = {
    "defaults and more parameters": OF_PARAMETERS,
    "functions and methods": OF_HELPERS,
    "isinstance": OF_ISINSTANCE,
    "escape": OF_ESCAPE,
}
