"""Attacks on overridden send_json() and encode_json(), on `return await self.send()`, on `try`."""

from attack import Attack, attack

JSON = 'await self.send_json(event["text"])'
OWN = "async def send_json(self, content):\n    await self.send(json.dumps(content))"
ENCODE = "@classmethod\nasync def encode_json(cls, content):\n    return json.dumps([content])"
# What claims to be a plain function to everything that asks by ==, and is not.
CLAIM = """
class Meta(type):
    __eq__ = lambda cls, other: True
    __hash__ = lambda cls: hash({0})
def innocent(self, content):
    return self.send(content)
async def innocent(self, *args):
    await self.send("x")
class Claim(metaclass=Meta):
    __func__ = innocent
    def __get__(self, consumer, owner):
        async def evil(*args):
            await consumer.send(current.get())
        return types.MethodType(innocent, consumer) if hasattr(consumer, "name") else evil
"""

OF_JSON: dict[str, Attack] = {
    "send_json of the member": attack(
        JSON,
        "async def send_json(self, one):\n    await self.send(json.dumps([self.name, one]))",
    ),
    "send_json of the context": attack(
        JSON, "async def send_json(self, content):\n    await self.send(current.get())"
    ),
    "send_json that counts": attack(
        JSON, "async def send_json(self, content):\n    await self.send(str(next(numbers)))"
    ),
    "send_json with a memory": attack(
        JSON,
        "async def send_json(self, content, seen=[]):\n    seen.append(content)\n"
        "    await self.send(str(seen))",
    ),
    "send_json that asks super": attack(
        JSON,
        "async def send_json(self, content):\n    await super().send_json([self.name, content])",
    ),
    "send_json as a property": attack(
        JSON,
        "@property\ndef send_json(self):\n    name = self.name\n"
        "    return lambda content: self.send(name)",
    ),
    "send_json by partialmethod": attack(
        JSON,
        "async def line(self, name, content):\n    await self.send(name + self.name)\n"
        "send_json = functools.partialmethod(line, 'x')",
        before="import functools",
    ),
    "send_json that claims to be a function": attack(
        JSON, "send_json = Claim()", before=CLAIM.format("types.FunctionType")
    ),
    "send_json that claims to be a class method": attack(
        JSON, "send_json = Claim()", before=CLAIM.format("classmethod")
    ),
    "send_json that closes for one": attack(
        JSON,
        "async def send_json(self, content):\n"
        "    await self.send(json.dumps(content), close=self.name == 'alice')",
    ),
    "send_json that waits": attack(
        JSON,
        "async def send_json(self, content):\n    await asyncio.sleep(0)\n"
        "    await self.send(self.name)",
        before="import asyncio",
    ),
    "send_json that a base's hook puts there": attack(
        JSON,
        before="class Base(AsyncJsonWebsocketConsumer):\n    def __init_subclass__(cls):\n"
        "        cls.send_json = send_own",
        base="Base",
    ),
    "encode_json of the class's list": attack(
        JSON,
        "names = people\n@classmethod\nasync def encode_json(cls, content):\n"
        "    return json.dumps([content, cls.names])",
    ),
    "encode_json by another encoder": attack(
        JSON,
        "@classmethod\nasync def encode_json(cls, content):\n"
        "    return json.dumps(content, cls=Encoder)",
        before="class Encoder(json.JSONEncoder):\n    encode = spying",
    ),
    "encode_json of a text of its own": attack(
        JSON, "@classmethod\nasync def encode_json(cls, content):\n    return Spy(content)"
    ),
    "encode_json of a mixin": attack(
        JSON,
        before="class Mixin:\n    async def encode_json(self, content):\n        return self.name",
        base="Mixin, AsyncJsonWebsocketConsumer",
    ),
    "encode_json by a closure": attack(
        JSON,
        "encode_json = made(people)",
        before="def made(seen):\n    async def encode_json(self, content):\n"
        "        return str(seen)\n    return encode_json",
    ),
    "encode_json that is cached": attack(
        JSON,
        "@functools.cached_property\ndef encode_json(self):\n    name = self.name\n"
        "    async def encode(content):\n        return name\n    return encode",
        before="import functools",
    ),
    "another send_json later": attack(JSON, OWN, then="C.send_json = send_own"),
    "other code later": attack(JSON, OWN, then="C.send_json.__code__ = send_own.__code__"),
    "another default later": attack(
        JSON,
        "async def send_json(self, content, more='+'):\n    await self.send(f'{more}{content}')",
        then="C.send_json.__defaults__ = (Spy('+'),)",
    ),
    "another encode_json later": attack(
        JSON, ENCODE, then="C.encode_json = classmethod(spying_async)"
    ),
    "the class method made anew in its place": attack(
        JSON, ENCODE, then="vars(C)['encode_json'].__init__(spying_async)"
    ),
    "a base in front later": attack(
        JSON,
        before="class Base(AsyncJsonWebsocketConsumer): pass\n"
        "class Other(Base):\n    send_json = send_own",
        base="Base",
        then="C.__bases__ = (Other,)",
    ),
    "json.dumps of the module later": attack(
        JSON, OWN, then="patch.setattr(module, 'json', types.SimpleNamespace(dumps=spying))"
    ),
    "JSONEncoder later": attack(
        JSON, OWN, then="patch.setattr(json.JSONEncoder, 'encode', spying)"
    ),
    "a builtin of json that claims to be one, before the proof": attack(
        JSON,
        before="class Claim:\n    __class__ = types.BuiltinFunctionType\n"
        "    __name__ = 'encode_basestring_ascii'\n    __self__ = json\n    __call__ = spying\n"
        "class D(AsyncJsonWebsocketConsumer):\n    async def h(self, event):\n"
        "        await self.send_json(event['text'])",
        then="import json.encoder\npatch.setattr(json.encoder, 'encode_basestring_ascii',"
        " module.Claim())\npatch.setattr(json.encoder, 'c_make_encoder', None)\n"
        "module.C = module.D",
    ),
    "Channels' send that claims to be a class method, before the proof": attack(
        JSON,
        before="class Meta(type):\n    __eq__ = lambda cls, other: True\n"
        "    __hash__ = lambda cls: 1\nclass Claim(metaclass=Meta):\n"
        "    __func__ = AsyncConsumer.send\n    func = AsyncConsumer.send\n"
        "    def __init__(self):\n        self.func = AsyncConsumer.send\n"
        "    __get__ = lambda self, consumer, owner: types.MethodType(send_own, consumer)\n"
        "class D(AsyncJsonWebsocketConsumer):\n    async def h(self, event):\n"
        "        await self.send_json(event['text'])",
        then="patch.setattr(AsyncConsumer, 'send', module.Claim())\nmodule.C = module.D",
    ),
    "send_json of one consumer": attack(
        JSON,
        OWN,
        before="def joined(consumer):\n    if consumer.name == 'alice':\n"
        "        consumer.send_json = types.MethodType(send_own, consumer)",
    ),
    "encode_json of one consumer": attack(
        JSON, before="def joined(consumer):\n    consumer.encode_json = spying_async"
    ),
    "send_json of another consumer": attack(
        JSON,
        OWN,
        before="first = []\ndef joined(consumer):\n    first.append(consumer)\n"
        "    consumer.send_json = types.MethodType(send_own, first[0])",
    ),
}

SENT = "return await self.send(event['text'])"
OF_RETURN: dict[str, Attack] = {
    name: attack(body, before="from channels.generic.websocket import *")
    for name, body in {
        "the member's": "return await self.send(self.name)",
        "the context's": "return await self.send(current.get())",
        "a count": "return await self.send(str(next(numbers)))",
        "an address": "return await self.send(str(id(event)))",
        "a text of its own": "return await self.send('x' + Spy('y'))",
        "of a helper": "return await self.send(spying())",
        "after another of a member": "return await self.send('x') or await self.send(self.name)",
        "two at once": "return await self.send('x'), await self.send(self.name)",
        "for each of the member's": "return [await self.send(each) for each in self.groups]",
        "with a name for self": "return await self.send((own := self).name)",
        "by keywords": "return await self.send(**{'text_data': self.name})",
        "by position": "return await self.send(*[self.name])",
        "by getattr": "return await getattr(self, 'send')(self.name)",
        "by the class": "return await AsyncWebsocketConsumer.send(self, self.name)",
        "by type": "return await type(self).send(self, self.name)",
        "by super": "return await super().send(text_data=self.name)",
        "below the sending": (
            "return await self.base_send({'type': 'websocket.send', 'text': self.name})"
        ),
        "in a lambda": "return await (lambda: self.send(self.name))()",
        "closing for one": "return await self.send('x', close=self.name == 'alice')",
        "bytes of the member": "return await self.send(bytes_data=self.name.encode())",
        "by a surrogate's handler": (
            "codecs = __import__('codecs')\n"
            "codecs.register_error('utf8', lambda error: (self.name, error.end))\n"
            "return await self.send(bytes_data='\\ud800'.encode('utf-8', 'utf8'))"
        ),
    }.items()
}
OF_RETURN |= {
    "an error's handler in the place of a codec": attack(
        "return await self.send(bytes_data='\\ud800'.encode('utf-8', 'utf8'))",
        before="import codecs\n"
        "codecs.register_error('utf8', lambda error: (current.get(), error.end))",
    ),
    "an error's handler for bytes": attack(
        "return await self.send(b'\\xff'.decode('utf-8', 'utf8'))",
        before="import codecs\n"
        "codecs.register_error('utf8', lambda error: (current.get(), error.end))",
    ),
    "another send later": attack(SENT, then="C.send = send_own"),
    "Channels' send later": attack(
        SENT, then="patch.setattr(AsyncWebsocketConsumer, 'send', send_own)"
    ),
    "the send below later": attack(SENT, then="patch.setattr(AsyncConsumer, 'send', send_own)"),
    "the code below later": attack(
        SENT, then="patch.setattr(AsyncConsumer.send, '__code__', send_own.__code__)"
    ),
    "send of one consumer": attack(
        SENT,
        before="def joined(consumer):\n    if consumer.name == 'alice':\n"
        "        consumer.send = types.MethodType(send_own, consumer)",
    ),
    "a text in the place of send": attack(
        SENT, before="def joined(consumer):\n    consumer.send = consumer.name"
    ),
}

EXCEPT = "\nexcept Exception as error:\n    await self.send(self.name)"
OF_TRY: dict[str, Attack] = {
    name: attack(body, before="import logging\nlogger = logging.getLogger(__name__)")
    for name, body in {
        "the except clause answers": "try:\n    await self.send(event['missing'])" + EXCEPT,
        "a raise inside": "try:\n    raise ValueError" + EXCEPT,
        "an assertion inside": "try:\n    assert event['text'] == 'x'" + EXCEPT,
        "an end of the process that is caught": (
            "try:\n    raise SystemExit\nexcept SystemExit:\n    await self.send(self.name)"
        ),
        "an interrupt that is caught": (
            "try:\n    raise KeyboardInterrupt\nexcept BaseException:\n"
            "    await self.send(self.name)"
        ),
        "a cancellation that is caught": (
            "try:\n    raise GeneratorExit\nexcept GeneratorExit:\n    await self.send(self.name)"
        ),
        "a division": "try:\n    await self.send(str(1 / 0))" + EXCEPT,
        "the member's in the block": "try:\n    await self.send(self.name)" + EXCEPT,
        "the member's in else": "try:\n    pass"
        + EXCEPT
        + "\nelse:\n    await self.send(self.name)",
        "the member's in finally": ("try:\n    pass\nfinally:\n    await self.send(self.name)"),
        "a try in a try": (
            "try:\n    try:\n        raise ValueError\n    except KeyError:\n        pass" + EXCEPT
        ),
        "a try in a loop": (
            "for each in event['items']:\n    try:\n        int(each)\n    except ValueError:\n"
            "        await self.send(self.name)"
        ),
        "a name that only the except clause binds": (
            "try:\n    number = int(event['text'])\nexcept ValueError:\n"
            "    number = next(numbers)\nawait self.send(str(number))"
        ),
        "a name that the except clause takes away": (
            "error = 'x'\ntry:\n    int('x')\nexcept ValueError as error:\n    pass\n"
            "try:\n    await self.send(error)\nexcept NameError:\n    await self.send(self.name)"
        ),
        "a log line first": "try:\n    logger.info(self.name)\n    await self.send(self.name)"
        + EXCEPT,
        "a return from finally": ("try:\n    await self.send(self.name)\nfinally:\n    return"),
        "a group of exceptions": (
            "try:\n    raise ExceptionGroup('x', [ValueError()])\nexcept* ValueError:\n"
            "    await self.send(self.name)"
        ),
        "an answer by the error's text": (
            "try:\n    await self.send(event['missing'])\nexcept KeyError as error:\n"
            "    await self.send(f'{error} {self.name}')"
        ),
        "sends one, then fails": (
            "try:\n    await self.send('x')\n    await self.send(event['missing'])" + EXCEPT
        ),
        "a context in the except clause": (
            "try:\n    int(event['text'])\nexcept ValueError:\n    await self.send(current.get())"
        ),
        "an except clause without an end": (
            "try:\n    int(event['text'])\nexcept:\n    return await self.send(self.name)"
        ),
        "too deep": (
            "try:\n    await self.send_json([[[event['missing']]]])\n"
            "except LookupError:\n    await self.send(self.name)"
        ),
    }.items()
}
OF_TRY |= {
    "a global in the place of a name that except binds": attack(
        "try:\n    pass\nexcept ValueError as found:\n    pass\nawait self.send(found)",
        before="found = 'x'\ndef joined(consumer):\n    global found\n    found = consumer.name",
    ),
    "a private name": attack(
        "try:\n    await self.send('' + __text)\nexcept ValueError:\n    pass",
        before="__text = 'x'\n_C__text = Spy('x')",
    ),
    "another send later": attack(
        "try:\n    await self.send('x')\nexcept ValueError:\n    pass", then="C.send = send_own"
    ),
    "other code of the handler later": attack(
        "try:\n    await self.send('x')\nexcept ValueError:\n    pass",
        then="C.h.__code__ = send_own.__code__",
    ),
    "a default later": attack(
        "try:\n    await self.send(more)\nexcept ValueError:\n    pass",
        head="async def h(self, event, more='x'):",
        then="C.h.__defaults__ = (Spy('x'),)\ntype(Spy('x'))\nC.h.__code__ = send_own.__code__",
    ),
    "a keyword default later": attack(
        "try:\n    await self.send('' + more)\nexcept ValueError:\n    pass",
        head="async def h(self, event, *, more='x'):",
        then="C.h.__kwdefaults__['more'] = Spy('x')",
    ),
}
ON_SENDING = {"own send_json": OF_JSON, "return of send": OF_RETURN, "try": OF_TRY}
