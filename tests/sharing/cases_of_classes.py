"""Consumers whose class makes a difference: what the verdict says, and the class C.

Each handler would be shareable in a plain class.
"""

HANDLER = """
    async def h(self, event):
        await self.send_json(event["text"])
"""
SENDS = """
    async def h(self, event):
        await self.send(event["text"])
"""
SEND = """
    async def send(self, text_data=None, bytes_data=None, close=False):
        await super().send(text_data=f"{self.name}: {text_data}")
"""
OF_CLASSES = {
    "own send": ("C defines send", f"class C(AsyncJsonWebsocketConsumer):{SENDS}{SEND}"),
    "send of a subclass": (
        "C defines send",
        f"class B(AsyncJsonWebsocketConsumer):{SENDS}\nclass C(B):{SEND}",
    ),
    "send of a mixin in front": (
        "M defines send",
        f"class M:{SEND}\nclass C(M, AsyncJsonWebsocketConsumer):{SENDS}",
    ),
    "send of a mixin in the middle": (
        "M defines send",
        """
        class M(AsyncConsumer):
            async def send(self, message):
                await super().send({**message, "text": self.name})
        class C(AsyncJsonWebsocketConsumer, M):
            async def h(self, event):
                await self.send_json(event["text"])
        """,
    ),
    "send_json": (
        "calls super",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}"
        "    async def send_json(self, content, close=False):\n"
        "        await super().send_json([self.name, content])\n",
    ),
    "encode_json": (
        "uses self.name",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}"
        "    async def encode_json(self, content):\n"
        "        return self.name\n",
    ),
    "send as a property": (
        "calls self.send_json, which is no plain method",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}"
        "    @property\n"
        "    def send_json(self):\n"
        "        async def send(content):\n"
        "            await self.send(self.name)\n"
        "        return send\n",
    ),
    "send as a descriptor": (
        "calls self.send_json, which is no plain method",
        """
        class Sender:
            def __get__(self, consumer, owner):
                async def send(content):
                    await consumer.send(consumer.name)
                return send
        class C(AsyncJsonWebsocketConsumer):
            send_json = Sender()
            async def h(self, event):
                await self.send_json(event["text"])
        """,
    ),
    "send_json that is None": (
        "calls self.send_json, which is no plain method",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}    send_json = None\n",
    ),
    "base_send": (
        "C defines base_send",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}"
        "    @property\n"
        "    def base_send(self):\n"
        "        async def send(message):\n"
        "            await self.real({**message, 'text': self.name})\n"
        "        return send\n"
        "    @base_send.setter\n"
        "    def base_send(self, send):\n"
        "        self.real = send\n",
    ),
    "dispatch": (
        "C defines dispatch",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}"
        "    async def dispatch(self, message):\n"
        "        await super().dispatch({**message, 'text': self.name})\n",
    ),
    "__call__": (
        "C defines __call__",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}"
        "    async def __call__(self, scope, receive, send):\n"
        "        await super().__call__(scope, receive, send)\n",
    ),
    "_sync": (
        "C defines _sync",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}    _sync = False\n",
    ),
    "__getattribute__": (
        "C defines __getattribute__",
        """
        class C(AsyncWebsocketConsumer):
            def __getattribute__(self, name):
                if name != "send":
                    return super().__getattribute__(name)
                return lambda text: super(C, self).send(self.name)
            async def h(self, event):
                await self.send(event["text"])
        """,
    ),
    **{
        name: (
            f"C defines {name}",
            f"class C(AsyncJsonWebsocketConsumer):{HANDLER}    def {name}({parameters}):\n"
            f"        return {result}\n",
        )
        for name, parameters, result in (
            ("__getattr__", "self, name", "None"),
            ("__setattr__", "self, *args", "object.__setattr__(self, *args)"),
            ("__delattr__", "self, name", "object.__delattr__(self, name)"),
            ("__new__", "cls, *args", "object.__new__(cls)"),
            ("__del__", "self", "None"),
        )
    },
    "__slots__": (
        "C defines __slots__",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}    __slots__ = ()\n",
    ),
    "__class__": (
        "C defines __class__",
        f"class C(AsyncJsonWebsocketConsumer):{HANDLER}    __class__ = property(lambda _: str)\n",
    ),
    "metaclass": (
        "has the metaclass Meta (C)",
        "class Meta(type):\n    pass\n"
        f"class C(AsyncJsonWebsocketConsumer, metaclass=Meta):{HANDLER}",
    ),
    "metaclass of an abstract base": (
        "has the metaclass Meta (C)",
        "import abc\nclass Meta(abc.ABCMeta):\n    pass\n"
        f"class C(AsyncJsonWebsocketConsumer, metaclass=Meta):{HANDLER}",
    ),
    "two kinds at once": (
        "of several kinds at once",
        f"class C(AsyncWebsocketConsumer, JsonWebsocketConsumer):{HANDLER}",
    ),
    "no consumer": ("no handler of a WebSocket consumer", f"class C:{HANDLER}"),
}
