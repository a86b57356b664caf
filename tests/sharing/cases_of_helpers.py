"""Functions and methods that handlers call, each with something that must not run once."""

CALL = """
    async def h(self, event):
        await self.send(str(helper(event)))
"""
OWN = """
    async def h(self, event):
        await self.relay(event)
"""
OF_HELPERS = {
    name: (reason, f"{before}\nclass C(AsyncJsonWebsocketConsumer):{CALL}")
    for name, reason, before in [
        ("recursion", "calls itself", "def helper(e):\n    return helper(e) if e else 1"),
        (
            "mutual recursion",
            "calls itself",
            "def helper(e):\n    return other(e)\ndef other(e):\n    return helper(e)",
        ),
        ("generator", "is a generator", "def helper(e):\n    yield e"),
        ("lambda", "is not what its source file says now", "helper = lambda e: id(e)"),
        (
            "decorated",
            "is decorated with registered",
            "def registered(f):\n    return f\n@registered\ndef helper(e):\n    return 1",
        ),
        (
            "cached",
            "not known to be pure",
            "import functools\n@functools.cache\ndef helper(e):\n    return 1",
        ),
        (
            "partial",
            "not known to be pure",
            "import functools\nhelper = functools.partial(print, 1)",
        ),
        (
            "closure",
            "uses the closure variable seen",
            "def make(seen):\n    def helper(e):\n        return str(seen)\n    return helper\n"
            "helper = make([])",
        ),
        ("class", "not known to be pure", "class helper:\n    def __init__(self, e): pass"),
        (
            "callable object",
            "not known to be pure",
            "class Helper:\n    def __call__(self, e): return id(self)\nhelper = Helper()",
        ),
        (
            "bound method",
            "not known to be pure",
            "class Helper:\n    def of(self, e): return id(self)\nhelper = Helper().of",
        ),
        ("builtin", "not known to be pure", "helper = id"),
        ("mutable default", "no plain constant", "def helper(e, seen=[]):\n    return seen"),
        (
            "mutable default by keyword",
            "no plain constant",
            "def helper(e, *, seen={}):\n    return seen",
        ),
        (
            "global statement",
            "has the statement global",
            "n = 0\ndef helper(e):\n    global n\n    n += 1\n    return n",
        ),
        (
            "global that another function assigns",
            "which a function assigns",
            "n = 0\ndef helper(e):\n    return n\ndef enter(name):\n    global n\n    n = name",
        ),
        ("coroutine function", "does not await", "async def helper(e):\n    return e"),
        ("while", "has the statement while", "def helper(e):\n    while e:\n        pass"),
        ("with", "has the statement with", "def helper(e):\n    with open(e):\n        pass"),
        ("import", "has the statement import", "def helper(e):\n    import random"),
        ("nested function", "has the statement def", "def helper(e):\n    def f(): pass"),
        (
            "try",
            "outside of the handler",
            "def helper(e):\n    try:\n        return e\n    except KeyError:\n        pass",
        ),
        ("exec", "has no source", "exec('def helper(e): return id(e)')"),
        (
            "other code under a file's name",
            "is not what its source file says now",
            "def helper(e):\n    return 1\nhelper.__code__ = (lambda e: id(e)).__code__",
        ),
    ]
}
OF_OWN_METHODS = {
    name: (reason, f"class C(AsyncJsonWebsocketConsumer):{OWN}{method}")
    for name, reason, method in [
        ("absent", "calls self.relay", ""),
        (
            "recursion",
            "calls itself",
            "    async def relay(self, e):\n        await self.relay(e)\n",
        ),
        ("not a coroutine", "awaits self.relay", "    def relay(self, e):\n        return 1\n"),
        ("property", "no plain method", "    relay = property(lambda self: self.send)\n"),
        ("None", "no plain method", "    relay = None\n"),
        ("function of C", "no plain method", "    relay = print\n"),
        (
            "class method",
            "uses cls",
            "    @classmethod\n    async def relay(cls, e):\n        return cls.x\n",
        ),
        (
            "decorated",
            "is decorated with deprecated",
            "    deprecated = lambda f: f\n    @deprecated\n    async def relay(self, e):\n"
            "        await self.send('x')\n",
        ),
        (
            "super",
            "calls super",
            "    async def relay(self, e):\n        await super().send(text_data='x')\n",
        ),
        (
            "class cell",
            "closure variable __class__",
            "    async def relay(self, e):\n        await self.send(__class__.x)\n",
        ),
        (
            "mutable default",
            "no plain constant",
            "    async def relay(self, e, seen=[]):\n        await self.send(str(seen))\n",
        ),
        (
            "assigns",
            "assigns self.last",
            "    async def relay(self, e):\n        self.last = e\n",
        ),
        (
            "deletes",
            "assigns self.last",
            "    async def relay(self, e):\n        del self.last\n",
        ),
        (
            "passes itself on",
            "uses self",
            "    async def relay(self, e):\n        await self.send(str([self]))\n",
        ),
        (
            "close",
            "calls self.close",
            "    async def relay(self, e):\n        await self.close()\n",
        ),
        (
            "closing by send",
            "not with data alone",
            "    async def relay(self, e):\n        await self.send('x', close=True)\n",
        ),
        (
            "private",
            "calls self.__hidden",
            "    async def relay(self, e):\n        await self.__hidden(e)\n"
            "    async def __hidden(self, e):\n        await self.send(self.name)\n",
        ),
        (
            "dunder",
            "calls self.__init_subclass__",
            "    async def relay(self, e):\n        await self.__init_subclass__()\n",
        ),
        (
            "handler of Channels",
            "calls self.websocket_receive",
            "    async def relay(self, e):\n        await self.websocket_receive(e)\n",
        ),
        (
            "not awaited",
            "uses self.send",
            "    async def relay(self, e):\n        self.send('x')\n",
        ),
        (
            "assigned constant",
            "which each consumer may set",
            "    room = ''\n    async def connect(self):\n        self.room = 'x'\n"
            "    async def relay(self, e):\n        await self.send(self.room)\n",
        ),
        (
            "constant that is compared too",
            "and uses it otherwise",
            "    room = ''\n    async def relay(self, e):\n"
            "        if self.room == e['text']:\n            await self.send(self.room)\n",
        ),
        (
            "comparison by order",
            "uses self.rank",
            "    rank = 1\n    async def connect(self):\n        self.rank = 2\n"
            "    async def relay(self, e):\n        if self.rank < 2:\n            pass\n",
        ),
        (
            "comparison with a property",
            "uses self.rank",
            "    rank = property(lambda self: self.name)\n"
            "    async def relay(self, e):\n        if self.rank == e['text']:\n            pass\n",
        ),
        (
            "comparison with a descriptor",
            "uses self.rank",
            "    class Rank:\n        def __get__(self, own, owner): return own.name\n"
            "    rank = Rank()\n"
            "    async def relay(self, e):\n        if self.rank == e['text']:\n            pass\n",
        ),
        (
            "finally",
            "has a finally clause",
            "    async def h(self, e):\n        try:\n            await self.send('x')\n"
            "        finally:\n            self.close()\n",
        ),
        (
            "global in an except clause",
            "has the statement global",
            "    async def h(self, e):\n        try:\n            await self.send('x')\n"
            "        except Exception:\n            global seen\n            seen = 1\n",
        ),
        (
            "yield in an except clause",
            "is a generator",
            "    async def h(self, e):\n        try:\n            await self.send('x')\n"
            "        except Exception:\n            yield 1\n",
        ),
        (
            "group of exceptions",
            "has the statement try",
            "    async def h(self, e):\n        try:\n            await self.send('x')\n"
            "        except* ValueError:\n            pass\n",
        ),
        (
            "super in an except clause",
            "closure",
            "    async def h(self, e):\n        try:\n            await self.send('x')\n"
            "        except ValueError:\n            await super().send('y')\n",
        ),
        (
            "name that only an except clause binds",
            "uses the global error",
            "    async def h(self, e):\n        await self.send(str(error))\n",
        ),
    ]
}
OF_OWN_METHODS["name that only an except clause binds"] = (
    "uses the global error",
    "error = []\n" + OF_OWN_METHODS["name that only an except clause binds"][1],
)
