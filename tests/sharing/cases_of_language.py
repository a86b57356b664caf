"""Handlers with parts of the language that could lead anywhere."""

from case import COUNTER, CURRENT, Case

OF_LANGUAGE = {
    # Ways from a value to somewhere else
    "class of the event": Case(
        "uses event.__class__", "await self.send(str(event.__class__))  # HERE", differs=False
    ),
    "subclasses": Case(
        "uses ().__class__",
        "await self.send(str(().__class__.__base__.__subclasses__()))  # HERE",
        differs=False,
    ),
    "format with attributes": Case(
        "calls the method", 'await self.send("{0.__class__}".format(event))  # HERE', differs=False
    ),
    "attribute of an item": Case(
        "uses event['text'].upper",
        "await self.send(str(event['text'].upper))  # HERE",
        differs=False,
    ),
    "bound method": Case("uses event.get", "get = event.get  # HERE", differs=False),
    "unknown method": Case(
        "calls the method", "await self.send(event['text'].translate({}))  # HERE", differs=False
    ),
    "function as value": Case(
        "uses the global str", "await self.send(str(str))  # HERE", differs=False
    ),
    "function in dict": Case(
        "calls {'f': len}", "await self.send(str({'f': len}['f'](event)))  # HERE", differs=False
    ),
    "module as value": Case(
        "uses the global json", "await self.send(str(json))  # HERE", differs=False
    ),
    "map": Case("calls map", "await self.send_json(list(map(str, event)))  # HERE", differs=False),
    "sort by key": Case(
        "arguments of unknown use",
        "await self.send_json(sorted(event, key=len))  # HERE",
        differs=False,
    ),
    "sort method by key": Case(
        "calls the method", "event['items'].sort(key=len)  # HERE", differs=False
    ),
    "dumps by a class": Case(
        "uses the global Encoder",
        "await self.send(json.dumps(b'', cls=Encoder))  # HERE",
        CURRENT + "class Encoder(json.JSONEncoder):\n"
        "    def default(self, o):\n        return current.get()",
    ),
    "dumps by a function": Case(
        "uses the global helper",
        "await self.send(json.dumps(b'', default=helper))  # HERE",
        COUNTER,
    ),
    "dumps by a local": Case(
        "uses the global helper",
        """
        function = helper  # HERE
        await self.send(json.dumps(b"", default=function))""",
        COUNTER,
    ),
    "loads by a function": Case(
        "arguments of unknown use",
        "await self.send(json.loads('{}', object_hook=helper))  # HERE",
        COUNTER,
    ),
    "codec": Case(
        "not UTF-8",
        "await self.send(bytes_data=event['text'].encode('cp1252'))  # HERE",
        differs=False,
    ),
    "codec by str": Case(
        "arguments of unknown use", "await self.send(str(b'x', 'cp1252'))  # HERE", differs=False
    ),
    "codec by starred arguments": Case(
        "with *", "await self.send(str(*(b'x', 'cp1252')))  # HERE", differs=False
    ),
    "double starred arguments": Case(
        "with **", "await self.send_json(dict(**event))  # HERE", differs=False
    ),
    "error handler": Case(
        "not UTF-8", "await self.send('x'.encode('utf-8', 'mine'))  # HERE", differs=False
    ),
    "locale format": Case(
        "formats with", "await self.send(f\"{event['number']:n}\")  # HERE", differs=False
    ),
    "format of a variable": Case(
        "formats with", "await self.send(f\"{1:{event['text']}}\")  # HERE", differs=False
    ),
    # Addresses
    "iterator as value": Case(
        "keeps the iterator", "await self.send(str(zip(event, event)))  # HERE", differs=False
    ),
    "view as value": Case(
        "keeps the iterator", "await self.send(str(event.keys()))  # HERE", differs=False
    ),
    "iterator through sum": Case(
        "keeps the iterator", "await self.send(str(sum([], zip())))  # HERE", differs=False
    ),
    "generator as value": Case(
        "uses (x for x in event)", "await self.send(str((x for x in event)))  # HERE", differs=False
    ),
    "iterator in a list": Case(
        "keeps the iterator", "await self.send(str([enumerate(event)]))  # HERE", differs=False
    ),
    "set": Case("uses {", "await self.send(str({event['text'], 1}))  # HERE", differs=False),
    "set comprehension": Case(
        "uses {", "await self.send(str({x for x in event}))  # HERE", differs=False
    ),
    "set by name": Case("calls set", "await self.send(str(set(event)))  # HERE", differs=False),
    "set of expressions": Case(
        "uses {", "await self.send(str('a' in {event['text']}))  # HERE", differs=False
    ),
    "identity": Case(
        "compares by identity",
        "await self.send(str(event['items'] is event))  # HERE",
        differs=False,
    ),
    # Statements
    "import": Case("has the statement import", "import random  # HERE", differs=False),
    "import from": Case(
        "has the statement from", "from random import random  # HERE", differs=False
    ),
    "with": Case(
        "has the statement with",
        """
        with open("x"):  # HERE
            pass""",
        differs=False,
    ),
    "while": Case(
        "has the statement while",
        """
        while event:  # HERE
            event.clear()""",
        differs=False,
    ),
    "nested function": Case(
        "has the statement def",
        """
        def name():  # HERE
            return self.name
        await self.send(name())""",
    ),
    "nested class": Case(
        "has the statement class",
        """
        class Other:  # HERE
            name = self.name
        await self.send(Other.name)""",
    ),
    "match": Case(
        "uses self.name",
        """
        match event:
            case {"text": self.name}:  # HERE
                pass""",
        differs=False,
    ),
    "async for": Case(
        "has the statement async for",
        """
        async for row in self.rows():  # HERE
            pass""",
        differs=False,
    ),
    "async comprehension": Case(
        "asynchronous comprehension",
        "await self.send_json([x async for x in self.rows()])  # HERE",
        differs=False,
    ),
    "await of something else": Case(
        "calls asyncio.sleep",
        """
        await asyncio.sleep(0)  # HERE
        await self.send(self.name)""",
        "import asyncio",
        False,
    ),
    "await in an expression": Case(
        "uses self.name", "await self.send(await self.encode_json(self.name))  # HERE"
    ),
    "yield": Case("is a generator", "yield event", differs=False),
    # Names that are local here and global there
    "comprehension variable outside": Case(
        "uses the global item",
        """
        texts = [item for item in event["items"]]
        await self.send(item["now"])  # HERE""",
        "item = {}\ndef enter(name):\n    item['now'] = name",
    ),
    "comprehension variable in its own iterable": Case(
        "uses the global item",
        "await self.send_json([item for item in item])  # HERE",
        "item = []\ndef enter(name):\n    item.append(name)",
    ),
    "comprehension variable of another": Case(
        "uses the global item",
        "await self.send_json([[item for item in (1,)], [item]])  # HERE",
        "item = []\ndef enter(name):\n    item.append(name)",
    ),
    "mangled global": Case(
        "looks up",
        "await self.send(__name)",
        "__name = 'constant'\n_C__name = {}\n",
        False,
    ),
}
