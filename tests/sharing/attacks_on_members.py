"""Attacks on comparisons of the member's channel name, or of another attribute, with the event."""

from attack import Attack, attack


def of(name: str) -> dict[str, Attack]:
    """Return the attacks on a comparison with one attribute of the consumer."""
    mine = f"self.{name}"
    value = "'channel.alice'" if name == "channel_name" else "'alice'"
    now = "'channel.' + current.get()" if name == "channel_name" else "current.get()"
    both = f"if {mine} != {value}:\n    await self.send('x')"
    return {
        **{
            title: attack(body.format(mine=mine, value=value), own, before=before)
            for title, (body, own, before) in {
                "the name itself": (
                    "if {mine} == {value}:\n    await self.send({mine})",
                    "",
                    "",
                ),
                "kept for later": (
                    "own = {mine}\nif own == {value}:\n    await self.send('x')",
                    "",
                    "",
                ),
                "by order": ("if {mine} < 'bz':\n    await self.send('x')", "", ""),
                "by identity": (
                    "value = {value}\nif {mine} is value:\n    await self.send('x')",
                    "",
                    "",
                ),
                "among several": (
                    "if {mine} in ({value}, 'x'):\n    await self.send('x')",
                    "",
                    "",
                ),
                "within a text": ("if 'alice' in {mine}:\n    await self.send('x')", "", ""),
                "in a chain": (
                    "if {value} == {mine} == {value}:\n    await self.send('x')",
                    "",
                    "",
                ),
                "by its length": ("await self.send(str(len({mine})))", "", ""),
                "by a method": ("if {mine}.endswith('e'):\n    await self.send('x')", "", ""),
                "in an f-string": (
                    "if f'{{{mine}}}' == {value}:\n    await self.send('x')",
                    "",
                    "",
                ),
                "as a truth": (
                    "if {mine} and {mine}[-1] == 'e':\n    await self.send('x')",
                    "",
                    "",
                ),
                "in a pattern": (
                    "match {value}:\n    case {mine}:\n        await self.send('x')",
                    "",
                    "",
                ),
                "as a subject": (
                    "match {mine}:\n    case {value}:\n        await self.send('x')",
                    "",
                    "",
                ),
                "with a text of its own": (
                    "if {mine} == Spy('x'):\n    await self.send('x')",
                    "",
                    "",
                ),
                "with a global of its own": (
                    "if {mine} == spy:\n    await self.send('x')",
                    "",
                    "spy = Spy('x')",
                ),
                "with the context": (
                    "if {mine}[-3:] == current.get()[-3:]:\n    await self.send('x')",
                    "",
                    "",
                ),
                "with a safe text": (
                    "if {mine} == mark_safe({value}):\n    await self.send('x')",
                    "",
                    "from django.utils.safestring import mark_safe",
                ),
                "with an enum's member": (
                    "if {mine} == Kind.A:\n    await self.send('x')",
                    "",
                    f"class Kind(str, enum.Enum):\n    A = {value}",
                ),
                "with another attribute": (
                    "if {mine} == self.other:\n    await self.send('x')",
                    "",
                    f"def joined(consumer):\n    consumer.other = {value}",
                ),
                "with a list of it": (
                    "if [{mine}] == [{value}]:\n    await self.send('x')",
                    "",
                    "",
                ),
                "by a hash": (
                    "if {{{mine}: 1}} == {{{value}: 1}}:\n    await self.send('x')",
                    "",
                    "",
                ),
                "more than can be told": (
                    "for each in ('a', 'b', 'c', 'd', {value}):\n    if {mine} == each:\n"
                    "        await self.send(each)",
                    "",
                    "",
                ),
                "closing for one": (
                    "await self.send('x', close={mine} == {value})",
                    "",
                    "",
                ),
                "failing for one": (
                    "if {mine} == {value}:\n    raise ValueError\nawait self.send('x')",
                    "",
                    "",
                ),
                "changing the event for one": (
                    "if {mine} == {value}:\n    event['items'].append('z')\n"
                    "await self.send_json(event['items'])",
                    "",
                    "",
                ),
                "one after another": (
                    "if {mine} == {value}:\n    await self.send('1')\n"
                    "if {mine} != 'bob':\n    await self.send('2')\n"
                    "if {value} != {mine}:\n    await self.send('3')",
                    "",
                    "",
                ),
                "as a number": (
                    "await self.send(str(1 + ({mine} == {value})))",
                    "",
                    "",
                ),
                "in a helper that is the member's": (
                    "await self.line({mine} == {value})",
                    "async def line(self, mine):\n    await self.send(str(mine) + self.name)",
                    "",
                ),
                "in a static method": (
                    "if self.line({mine}):\n    await self.send('x')",
                    f"@staticmethod\ndef line(mine):\n    return mine == {value}",
                    "",
                ),
                "of an alias": (
                    f"own = self\nif own.{name} == {{value}}:\n    await self.send('x')",
                    "",
                    "",
                ),
                "that is answered by all": (
                    "await self.send(str(all({mine} == each for each in ({value}, {value}))))",
                    "",
                    "",
                ),
            }.items()
        },
        **{
            title: attack(both, before=f"def joined(consumer):\n    {joined}")
            for title, joined in {
                "a text of one's own": f"consumer.{name} = Spy('x')",
                "an object that equals": f"consumer.{name} = Equal()\nclass Equal:\n"
                "    __eq__ = lambda self, other: current.get() == 'alice'\n"
                "    __ne__ = lambda self, other: current.get() != 'alice'",
                "a fraction": f"consumer.{name} = 1.0 if consumer.name == 'bob' else {value}",
                "bytes": f"consumer.{name} = {value}.encode() if consumer.name < 'b' else {value}",
                "nothing for one": f"consumer.{name} = None if consumer.name == 'bob' else {value}",
                "missing for one": f"consumer.name == 'bob' and delattr(consumer, {name!r})",
                "another class of one": "consumer.__class__ = type('D', (C,), {'send': send_own})"
                " if consumer.name == 'bob' else C",
                "another send of one": "consumer.send = types.MethodType(send_own, consumer)",
                "a lazy user": f"consumer.{name} = lazy(current.get, str)()\n"
                "from django.utils.functional import lazy",
                "another dict of one": "consumer.__dict__ = Names(consumer.__dict__)\n"
                "class Names(dict):\n    __getitem__ = __missing__ = spying",
            }.items()
        },
        **{
            f"{title} later": attack(both, then=then)
            for title, then in {
                "a property": (
                    f"C.{name} = property(lambda self: {now}, lambda self, value: None)"
                ),
                "a descriptor": (
                    "class Of:\n    __get__ = lambda *args: spying()\n"
                    f"    __set__ = lambda *args: None\nC.{name} = Of()\nspying = lambda: {now}"
                ),
                "__getattribute__": (
                    f"C.__getattribute__ = lambda self, name: Spy('x') if name == {name!r} else"
                    " object.__getattribute__(self, name)"
                ),
                "a property of Channels": (
                    f"patch.setattr(AsyncConsumer, {name!r},"
                    f" property(lambda self: {now}, lambda self, value: None),"
                    " raising=False)"
                ),
            }.items()
        },
    }


ON_MEMBERS = {"the channel's name": of("channel_name"), "a plain attribute": of("name")}
