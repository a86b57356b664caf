"""Handlers that are not what they look like: what the verdict says, and the class C."""

OF_FUNCTIONS = {
    "decorator": (
        "is decorated with functools.wraps(function)",
        """
        import functools
        def signed(function):
            @functools.wraps(function)
            async def wrapper(*args):
                await function(*args)
                await args[0].send(args[0].name)
            return wrapper
        class C(AsyncWebsocketConsumer):
            @signed
            async def h(self, event):
                await self.send(event["text"])
        """,
    ),
    "decorator with the handler's parameters": (
        "uses the closure variable function",
        """
        import functools
        def signed(function):
            async def wrapper(self, event):
                text = function
                await self.send(event["text"])
                await self.send(self.name)
            return wrapper
        class C(AsyncWebsocketConsumer):
            @signed
            async def h(self, event):
                await self.send(event["text"])
        """,
    ),
    "decorator that returns the handler": (
        "is decorated with registered",
        """
        def registered(function):
            return function
        class C(AsyncWebsocketConsumer):
            @registered
            async def h(self, event):
                await self.send(event["text"])
        """,
    ),
    "callable object": (
        "is a Handler, not a plain method",
        """
        class Handler:
            def __get__(self, consumer, owner):
                return lambda event: consumer.send(consumer.name)
            def __call__(self, event):
                raise AssertionError
        class C(AsyncWebsocketConsumer):
            h = Handler()
        """,
    ),
    "partial method": (
        "is a partialmethod, not a plain method",
        """
        import functools
        class C(AsyncWebsocketConsumer):
            async def answer(self, text, event):
                await self.send(text)
            h = functools.partialmethod(answer, "x")
        """,
    ),
    "static method": (
        "is a staticmethod, not a plain method",
        """
        class C(AsyncWebsocketConsumer):
            @staticmethod
            async def h(event):
                pass
        """,
    ),
    "lambda": (
        "is not what its source file says now",
        "class C(AsyncWebsocketConsumer):\n    h = lambda self, event: self.send(self.name)\n",
    ),
    "closure": (
        "uses the closure variable people",
        """
        def make(people):
            class C(AsyncWebsocketConsumer):
                async def h(self, event):
                    await self.send(people.pop())
            return C
        C = make(["alice", "bob"])
        """,
    ),
    "closure named like a constant": (
        "uses the closure variable text",
        """
        text = "constant"
        def make(text):
            class C(AsyncWebsocketConsumer):
                async def h(self, event):
                    await self.send(text)
            return C
        C = make("other")
        """,
    ),
    "class cell": (
        "uses the closure variable __class__",
        """
        class C(AsyncWebsocketConsumer):
            async def h(self, event):
                await self.send(__class__.text)
            text = "x"
        """,
    ),
    "default argument": (
        "has a default argument that is no plain constant",
        """
        class C(AsyncWebsocketConsumer):
            async def h(self, event, seen=[]):
                seen.append(event["text"])
                await self.send(str(seen))
        """,
    ),
    "default of the event": (
        "has a default argument that is no plain constant",
        """
        class C(AsyncWebsocketConsumer):
            async def h(self, event={}):
                await self.send(event["text"])
        """,
    ),
    "keyword argument": (
        "has a default argument that is no plain constant",
        """
        class C(AsyncWebsocketConsumer):
            async def h(self, event, *, seen=[]):
                seen.append(event["text"])
                await self.send(str(seen))
        """,
    ),
    "third argument": (
        "does not take self and the event",
        """
        class C(AsyncWebsocketConsumer):
            async def h(self, event, other):
                await self.send(event["text"])
        """,
    ),
    "keyword argument without a default": (
        "does not take self and the event",
        """
        class C(AsyncWebsocketConsumer):
            async def h(self, event, *, other):
                await self.send(event["text"])
        """,
    ),
    "star arguments only": (
        "takes self by a star",
        """
        class C(AsyncWebsocketConsumer):
            async def h(*args):
                await args[0].send(args[0].name)
        """,
    ),
    "sync handler of an async consumer": (
        "is not a coroutine function",
        """
        class C(AsyncWebsocketConsumer):
            def h(self, event):
                return
        """,
    ),
    "async handler of a sync consumer": (
        "is a coroutine function",
        """
        class C(WebsocketConsumer):
            async def h(self, event):
                pass
        """,
    ),
    "handler that a class hook replaces": (
        "uses self.name",
        """
        class Base(AsyncWebsocketConsumer):
            def __init_subclass__(cls):
                async def h(self, event):
                    await self.send(self.name)
                cls.h = h
        class C(Base):
            async def h(self, event):
                await self.send(event["text"])
        """,
    ),
    "handler of another class in the same file": (
        "uses self.name",
        """
        class Other(AsyncWebsocketConsumer):
            async def h(self, event):
                await self.send(event["text"])
        class C(AsyncWebsocketConsumer):
            async def h(self, event):
                await self.send(self.name)
        """,
    ),
    "exec": (
        "has no source",
        """
        exec('class C(AsyncWebsocketConsumer):\\n'
             '  async def h(self, event): await self.send("x")')
        """,
    ),
    "exec that claims a file": (
        "is not what its source file says now",
        """
        exec(compile('''

        # The line is that of the harmless one.
        class C(AsyncWebsocketConsumer):
            async def h(self, event): await self.send(self.name)
        ''', __file__, "exec"))
        """,
    ),
}
