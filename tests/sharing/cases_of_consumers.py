"""Handlers that depend on their consumer, or do more with it than sending."""

from case import Case

OF_CONSUMERS = {
    # What the consumer has
    "attribute": Case("uses self.scope", 'await self.send(self.scope["user"])  # HERE'),
    "instance attribute": Case("uses self.name", "await self.send(text_data=self.name)  # HERE"),
    "attribute in json": Case("uses self.name", "await self.send(json.dumps([self.name]))  # HERE"),
    "attribute in f-string": Case(
        "uses self.channel_name", 'await self.send(f"{self.channel_name}")  # HERE'
    ),
    "attribute in format": Case("uses self.name", 'await self.send("%s" % self.name)  # HERE'),
    "attribute in condition": Case(
        "uses self.name",
        """
        if event["text"] != self.name and self.name < "b":  # HERE
            await self.send("for alice")""",
    ),
    "attribute in lambda": Case("lambda", "await self.send((lambda: self.name)())  # HERE"),
    "attribute in comprehension": Case(
        "uses self.name", "await self.send_json([self.name for _ in range(2)])  # HERE"
    ),
    "attribute in generator": Case(
        "uses self.name", 'await self.send("".join(self.name for _ in range(2)))  # HERE'
    ),
    "attribute as iterable": Case(
        "uses self.groups", "await self.send_json([x for x in self.groups])  # HERE"
    ),
    "attribute in slice": Case(
        "uses self.name", 'await self.send("abcdef"[:len(self.name)])  # HERE'
    ),
    "attribute as key": Case(
        "uses self.name", 'await self.send({"alice": "a"}.get(self.name, "b"))  # HERE'
    ),
    "attribute as dict key": Case("uses self.name", "await self.send_json({self.name: 1})  # HERE"),
    "attribute in default": Case(
        "uses self.name", 'await self.send(event.get("no", self.name))  # HERE'
    ),
    "attribute in keyword": Case(
        "uses self.name", "await self.send_json(dict(a=self.name))  # HERE"
    ),
    "attribute spread": Case("uses self.scope", "await self.send_json({**self.scope})  # HERE"),
    "attribute starred": Case("uses self.groups", "await self.send_json([*self.groups])  # HERE"),
    "attribute in walrus": Case("uses self.name", "await self.send((name := self.name))  # HERE"),
    "attribute in loop": Case(
        "uses self.groups",
        """
        for group in self.groups:  # HERE
            await self.send(group)""",
    ),
    "attribute in target": Case(
        "uses self.scope",
        """
        event["items"][self.scope["user"] == "bob"] = "x"  # HERE
        await self.send_json(event["items"])""",
    ),
    "attribute by assignment": Case(
        "assigns self.last",
        """
        self.last = event["text"]  # HERE
        await self.send(event["text"])""",
        differs=False,
    ),
    "attribute by augmented assignment": Case(
        "assigns self.name",
        """
        self.name += "!"  # HERE
        await self.send(self.name)""",
    ),
    "attribute as loop target": Case(
        "assigns self.name",
        """
        for self.name in event["items"]:  # HERE
            await self.send("x")""",
        differs=False,
    ),
    "attribute as comprehension target": Case(
        "assigns self.name",
        "await self.send_json([1 for self.name in (1, 2)])  # HERE",
        differs=False,
    ),
    "attribute of an alias": Case(
        "uses self",
        """
        me = self  # HERE
        await me.send(me.name)""",
    ),
    "alias of what is named like a global": Case(
        "uses self",
        """
        me = self  # HERE
        await me.send(me.name)""",
        "self = 'constant'",
    ),
    "call of what is named like a function": Case(
        "uses self", "await self.send(self(event))  # HERE", "self = str", differs=False
    ),
    "alias by tuple": Case(
        "uses self",
        """
        me, _ = self, 1  # HERE
        await self.send(me.name)""",
    ),
    "alias by walrus": Case(
        "uses self", "await self.send(str((me := self) and 1))  # HERE", differs=False
    ),
    "alias by method": Case(
        "uses self.send",
        """
        send = self.send  # HERE
        await send(event["text"])""",
        differs=False,
    ),
    "getattr": Case("calls getattr", 'await self.send(getattr(self, "name"))  # HERE'),
    "vars": Case("calls vars", 'await self.send(vars(self)["name"])  # HERE'),
    "str of self": Case("uses self", "await self.send(str(self) + self.name)  # HERE"),
    "id of self": Case("calls id", "await self.send(str(id(self)) + self.name)  # HERE"),
    "type of self": Case(
        "uses type(self)", "await self.send(type(self).__name__)  # HERE", differs=False
    ),
    "class of self": Case(
        "uses self.__class__", "await self.send(self.__class__.__name__)  # HERE", differs=False
    ),
    "dict of self": Case("uses self.__dict__", 'await self.send(self.__dict__["name"])  # HERE'),
    "format of self": Case("calls the method", 'await self.send("{0.name}".format(self))  # HERE'),
    "format_map": Case(
        "calls the method", 'await self.send("{name}".format_map(vars(self)))  # HERE'
    ),
    "percent of vars": Case("calls vars", 'await self.send("%(name)s" % vars(self))  # HERE'),
    "locals": Case("uses locals()", 'await self.send(locals()["self"].name)  # HERE'),
    "eval": Case("calls eval", 'await self.send(eval("self.name"))  # HERE'),
    "helper method": Case(
        "calls self.upper", "await self.send(self.upper())  # HERE", differs=False
    ),
    "base_send": Case(
        "calls self.base_send",
        'await self.base_send({"type": "websocket.send", "text": self.name})  # HERE',
    ),
    "super": Case("calls super", "await super().send(text_data=self.name)  # HERE"),
    "super's attribute": Case(
        "uses super().scope", 'await self.send(super().scope["user"])  # HERE', differs=False
    ),
    "private name": Case("uses self.__name", "await self.send(self.__name)  # HERE", differs=False),
    "self shadowed": Case(
        "assigns self",
        """
        self = event  # HERE
        await self.send("x")""",
        differs=False,
    ),
    "self as comprehension variable": Case(
        "assigns self", "await self.send_json([self for self in (1, 2)])  # HERE", differs=False
    ),
    "return of sending": Case("uses self.name", "return await self.send(self.name)  # HERE"),
    # Sending that is more than data
    "close": Case("not with data alone", 'await self.send("x", close=True)  # HERE', differs=False),
    "close by position": Case(
        "not with data alone", 'await self.send("x", None, True)  # HERE', differs=False
    ),
    "close in send_json": Case(
        "not with data alone", "await self.send_json(1, True)  # HERE", differs=False
    ),
    "closing": Case("calls self.close", "await self.close()  # HERE", differs=False),
    "starred sending": Case(
        "not with data alone", "await self.send(*event['items'])  # HERE", differs=False
    ),
    "double starred sending": Case(
        "not with data alone", "await self.send(**event)  # HERE", differs=False
    ),
    "accept": Case("calls self.accept", "await self.accept()  # HERE", differs=False),
    "sending not awaited": Case(
        "uses self.send",
        """
        task = self.send(event["text"])  # HERE
        await task""",
        differs=False,
    ),
    "conditional sending": Case(
        "uses self.name", 'self.name > "b" and await self.send("for bob")  # HERE'
    ),
    "send of another": Case(
        "awaits event.send", "await event.send(self.name)  # HERE", differs=False
    ),
    "group_send": Case(
        "uses self.channel_layer",
        'await self.channel_layer.group_send(self.name, {"type": "x"})  # HERE',
        differs=False,
    ),
}
