"""Handlers that depend on what is outside of them."""

from case import COUNTER, CURRENT, Case

PROXY = (
    CURRENT
    + """
class LocalProxy:
    def __getattribute__(self, name):
        return lambda *args: current.get()
    __class__ = property(lambda self: str)
    def __eq__(self, other):
        return True
    def __hash__(self):
        return hash(json.dumps)
    def __str__(self):
        return current.get()
    def __call__(self, *args):
        return current.get()
    def __getitem__(self, key):
        return current.get()
proxy = LocalProxy()
"""
)
COUNTER_MARKED = COUNTER.replace("(next(numbers))", "(next(numbers))  # HERE")
OF_GLOBALS = {
    # What is global
    "global dict": Case(
        "uses the global state",
        'await self.send(state["now"])  # HERE',
        "state = {}\ndef enter(name):\n    state['now'] = name",
    ),
    "global list": Case(
        "calls log.append",
        "log.append(event['text']); await self.send_json(log)  # HERE",
        "log = []",
    ),
    "global iterator": Case("calls next", "await self.send(str(next(numbers)))  # HERE", COUNTER),
    "helper function": Case("calls next", "await self.send(helper(event))", COUNTER_MARKED),
    "context variable": Case(
        "calls current.get", "await self.send(current.get())  # HERE", CURRENT
    ),
    "proxy": Case("uses the global proxy", "await self.send(str(proxy))  # HERE", PROXY),
    "proxy in f-string": Case(
        "uses the global proxy", 'await self.send(f"{proxy}")  # HERE', PROXY
    ),
    "proxy as item": Case("uses the global proxy", 'await self.send(proxy["x"])  # HERE', PROXY),
    "proxy called": Case("calls proxy", "await self.send(proxy(event))  # HERE", PROXY),
    "proxy as module": Case(
        "calls proxy.dumps", "await self.send(proxy.dumps(event))  # HERE", PROXY
    ),
    "proxy method": Case("calls proxy.upper", "await self.send(proxy.upper())  # HERE", PROXY),
    "proxy as json": Case(
        "calls json.dumps", "await self.send(json.dumps(event))  # HERE", PROXY + "json = proxy"
    ),
    "proxy as dumps": Case(
        "calls dumps", "await self.send(dumps(event))  # HERE", PROXY + "dumps = proxy"
    ),
    "proxy as builtin": Case(
        "calls str", "await self.send(str(event))  # HERE", PROXY + "str = proxy"
    ),
    "proxy as default": Case(
        "uses the global str",
        "await self.send(json.dumps(b'', default=str))  # HERE",
        PROXY + "str = proxy",
    ),
    "subclass of str": Case(
        "uses the global text",
        "await self.send('x' + text)  # HERE",
        CURRENT
        + "class Text(str):\n    __radd__ = lambda self, other: current.get()\ntext = Text()",
    ),
    "lazy translation": Case(
        "uses the global text",
        "await self.send(str(text))  # HERE",
        CURRENT + "from django.utils.functional import lazy\ntext = lazy(current.get, str)()\n",
    ),
    "translation": Case(
        "calls _",
        'await self.send(_("Yes"))  # HERE',
        "from django.utils.translation import gettext as _",
        False,
    ),
    "module with __getattr__": Case(
        "calls json.dumps",
        "await self.send(json.dumps(event))  # HERE",
        CURRENT
        + """
import types
class Module(types.ModuleType):
    def __getattribute__(self, name):
        return lambda value: current.get()
json = Module("json")
""",
    ),
    "module with another dumps": Case(
        "calls json.dumps",
        "await self.send(json.dumps(event))  # HERE",
        CURRENT
        + "import types\njson = types.ModuleType('json')\njson.dumps = lambda value: current.get()",
    ),
    "shadowed builtin": Case(
        "calls next", "await self.send(str(len(event)))", COUNTER_MARKED + "len = helper"
    ),
    "wrong import": Case(
        "calls next", "await self.send(dumps(event))", COUNTER_MARKED + "dumps = helper"
    ),
    "constant that is not there": Case(
        "uses MISSING", "await self.send(MISSING)  # HERE", differs=False
    ),
    "global statement": Case(
        "has the statement global last",
        """
        global last  # HERE
        last = last + "x"
        await self.send(last)""",
        "last = ''",
    ),
    "global of a class": Case("uses C.seen", "await self.send(C.seen)  # HERE", differs=False),
    "module attribute": Case(
        "uses sys.argv", "await self.send(str(sys.argv))  # HERE", "import sys", False
    ),
    "environment": Case(
        "uses os.environ",
        'await self.send(os.environ["CASGI_TEST_WHO"])  # HERE',
        "import os\ndef enter(name):\n    os.environ['CASGI_TEST_WHO'] = name",
    ),
    "random": Case(
        "calls random.random", "await self.send(str(random.random()))  # HERE", "import random"
    ),
    "secrets": Case(
        "calls token_hex", "await self.send(token_hex())  # HERE", "from secrets import token_hex"
    ),
    "uuid": Case("uses uuid.uuid4()", "await self.send(uuid.uuid4().hex)  # HERE", "import uuid"),
    "time": Case(
        "calls time.time_ns", "await self.send(str(time.time_ns()))  # HERE", "import time"
    ),
    "datetime": Case(
        "calls datetime.now",
        "await self.send(str(datetime.now()))  # HERE",
        "from datetime import datetime",
    ),
    "locale": Case(
        "calls locale.str", "await self.send(locale.str(1.5))  # HERE", "import locale", False
    ),
    "print": Case(
        "calls print",
        """
        print(event)  # HERE
        await self.send("x")""",
        differs=False,
    ),
    "logging": Case(
        "calls logger.info",
        """
        logger.info("sent")  # HERE
        await self.send("x")""",
        "import logging\nlogger = logging.getLogger()",
        False,
    ),
    "open": Case(
        "calls open", "await self.send(open(event['text']).read())  # HERE", differs=False
    ),
    "hash": Case("calls hash", "await self.send(str(hash(event['text'])))  # HERE", differs=False),
    "threads": Case(
        "calls threading.get_ident",
        "await self.send(str(threading.get_ident()))  # HERE",
        "import threading",
        False,
    ),
    "orm": Case(
        "uses User.objects",
        'await self.send(User.objects.get(pk=event["number"]).name)  # HERE',
        """
class Manager:
    def get(self, pk):
        raise AssertionError
class User:
    objects = Manager()
""",
        False,
    ),
}
