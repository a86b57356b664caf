"""Application code that runs in the midst of a table's work, and uses the table."""

import pytest

from memory.channels_rig import ALL_GONE, LOOPS, run

ACTS = [
    "table.send('g', {'type': 'inner'})",
    "table.send('h', {'type': 'inner'})",
    "[table.discard('g', one.name) for one in table.members('g')]",
    "[table.add('g', f'new{number}') for number in range(5)]",
    "[one.close() for one in table.listening()]",
    "[one.close() for one in table.listening()[1:]]",
    "table.flush()",
    "table.put('c1', {'type': 'inner'})",
    "[task.cancel() for task in tasks]",
    "server.abort()",
    "collect()",
    "one_over_zero()",
]
ACT_ONCE = """
    def once(act):
        def run(*arguments):
            if not acted:
                acted.append(True)
                act()
        acted = []
        return run

    def one_over_zero():
        1 / 0

    def end_all(loop, table, server):
        turn(loop)
        events.clear()
        table.flush()
        server.close()
        turn_until(loop, lambda: server.tasks == 0)
        loop.close()
"""


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("place", ["payloads", "attributes"])
def test_plan_that_acts(place: str, act: str) -> None:
    run(f"""
    {ACT_ONCE}
    class ActingPlan(Plan):
        def {place}(self, message):
            act()
            return super().{place}(message)

    act = once(lambda: {act})
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, ActingPlan(), groups=("g", "h")))
    clients = join(loop, table, listener, 3)
    table.send("g", {{"type": "outer"}})
    table.send("g", {{"type": "second"}})
    end_all(loop, table, server)
    del loop, table, server, act
    {ALL_GONE}
    """)


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit"])
def test_interrupt_in_a_plan_reaches_the_sender(kind: str) -> None:
    """It ends the process: nobody would hear of it otherwise."""
    run(f"""
    class Interrupted(Plan):
        def payloads(self, message):
            raise {kind}

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Interrupted()))
    clients = join(loop, table, listener, 1)
    try:
        table.send("g", {{"type": "a"}})
    except {kind}:
        pass
    else:
        raise AssertionError
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit"])
@pytest.mark.parametrize("name", ["base_send", "name"])
def test_interrupt_in_an_attribute_reaches_the_sender(name: str, kind: str) -> None:
    """As Ctrl-C does, which Python raises in whatever Python code runs."""
    run(f"""
    class Comparing(Plan):
        comparisons = ((("name", "x", True),), (("name", "x", False),))

    def interrupt(consumer):
        raise {kind}

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Comparing()))
    clients = join(loop, table, listener, 2)
    setattr(Consumer, "{name}", property(interrupt, lambda consumer, value: None))
    try:
        table.send("g", {{"type": "a"}})
    except {kind}:
        delattr(Consumer, "{name}")
    else:
        raise AssertionError
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    "expected",
    [
        *["None", "()", "[1]", "(1,)", "((),)", "(('a', 1, 2),)", "((1, 2),)", "(('x', 1),)"],
        *["(('handle', Consumer.handle),)", "((1, Consumer.handle, True),)"],
        *["(('handle', Consumer.handle, False),)", "(('base_send', Consumer.handle, True),)"],
    ],
)
def test_plan_that_expects_nonsense(expected: str) -> None:
    """A consumer that does not fit handles the event itself."""
    run(f"""
    class Nonsense(Plan):
        def attributes(self, kind):
            return {expected}

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Nonsense()))
    clients = join(loop, table, listener, 2)
    assert table.send("g", {{"type": "a"}}) == 2
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    "comparisons",
    [
        *["(None,)", "([],)", "((1,),)", "(((),),)", "((('name', 'x'),),)", "(((1, 'x', True),),)"],
        *["((('name', 'x', True),),) * 5", "((('missing', 'x', False),),)"],
        *["((('scope', 'x', False),),)", "((('handle', 'x', False),),)"],
    ],
)
def test_comparisons_that_are_nonsense_or_impossible(comparisons: str) -> None:
    run(f"""
    class Nonsense(Plan):
        comparisons = {comparisons}

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Nonsense()))
    clients = join(loop, table, listener, 2)
    for consumer in consumers:
        consumer.name, consumer.scope = "name", {{}}
    del consumer
    assert table.send("g", {{"type": "a"}}) == 2
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    ("value", "shared"),
    [
        *[("'a'", 2), ("'b'", 2), ("None", 2), ("1", 2), ("True", 2), ("2 ** 70", 2)],
        *[
            ("1.0", 0),
            ("b'a'", 0),
            ("['a']", 0),
            ("object()", 0),
            ("type('S', (str,), {})('a')", 0),
        ],
    ],
)
def test_each_member_gets_the_frames_of_its_own(value: str, shared: int) -> None:
    run(f"""
    class Choosing(Plan):
        comparisons = ((("name", "a", True),), (("name", "a", False),))

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Choosing()))
    clients = join(loop, table, listener, 2)
    for consumer in consumers:
        consumer.name = {value}
    del consumer
    assert table.send("g", {{"type": "a"}}) == 2 - {shared}
    assert table.shared == {shared}
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", ["base_send", "__init__", "name"])
def test_attribute_of_a_consumer_that_acts(name: str, act: str) -> None:
    """A key of its __dict__ stands in the way of a name that counts, by its hash."""
    run(f"""
    {ACT_ONCE}
    class Key:
        def __hash__(self):
            return hash("{name}")

        def __eq__(self, other):
            act()
            return False

    class Expecting(Plan):
        def attributes(self, kind):
            return (("__init__", Consumer.__init__, True), ("__init__", Consumer.__init__, True))

        def payloads(self, message):
            return ("frame", "frame")

        comparisons = ((("name", "a", True),), (("name", "a", False),))

    act = lambda: None
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Expecting(), groups=("g", "h")))
    clients = join(loop, table, listener, 3)
    for consumer in consumers:
        send = vars(consumer).pop("base_send")
        vars(consumer)[Key()] = None
        vars(consumer)["base_send"] = send
    del consumer, send
    consumers.clear()
    act = once(lambda: {act})
    table.send("g", {{"type": "outer"}})
    table.send("g", {{"type": "second"}})
    end_all(loop, table, server)
    del loop, table, server, act
    {ALL_GONE}
    """)


@pytest.mark.parametrize("act", ACTS)
def test_copy_that_acts(act: str) -> None:
    run(f"""
    {ACT_ONCE}
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Plan(), groups=("g", "h")))
    clients = join(loop, table, listener, 3)
    with contextlib.suppress(ZeroDivisionError):
        table.send("g", {{"type": "outer", "value": Acting(once(lambda: {act}))}})
    end_all(loop, table, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("act", ACTS[:-1])
@pytest.mark.parametrize(
    "place",
    [
        "table.flush()",
        "table.listening()[0].close()",
        "table.take('c0')",
        "(time.sleep(0.02), table.put('c0', {'type': 'a'}))",
        "(time.sleep(0.02), table.send('g', {'type': 'a'}))",
        "[table.put('c0', {'type': str(number)}) for number in range(5)]",
        "server.abort()",
    ],
)
def test_message_that_acts_when_it_goes(place: str, act: str) -> None:
    run(f"""
    {ACT_ONCE}
    import time
    loop = new_loop()
    table = new_table(lambda name: 3, expiry=0.01, discards_oldest=True)
    server, listener = serve(loop, application_on(table, Plan(), groups=("g", "h")))
    clients = join(loop, table, listener, 2)
    for _ in range(3):
        table.put("c0", {{"type": "a", "value": Acting(None, once(lambda: {act}))}})
    {place}
    end_all(loop, table, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("act", ["server.abort()", "table.flush()", "table.open('c').close()"])
def test_message_that_acts_when_the_next_is_asked_for(act: str) -> None:
    """It has expired, the one behind it has not."""
    run(f"""
    {ACT_ONCE}
    import time
    async def application(scope, receive, send):
        channel = table.open("c")
        cycle = channel.listen(receive, send, None, send, None)
        await cycle.next_event()
        await send({{"type": "websocket.accept"}})
        table.put("c", {{"type": "a", "value": Acting(None, once(lambda: {act}))}})
        time.sleep(0.12)
        table.put("c", {{"type": "b"}})
        time.sleep(0.12)
        try:
            await cycle.next_event()
        finally:
            channel.close()

    loop, table = new_loop(), new_table(expiry=0.2)
    server, listener = serve(loop, application)
    client = connected(listener, UPGRADE)
    turn(loop)
    end_all(loop, table, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("loop", ["Loop(_core.Selector())", "Loop()"])
@pytest.mark.parametrize("act", [*ACTS[:7], "table.add('g', 'c0')", "table.add('g', 'other')"])
@pytest.mark.parametrize(
    "place",
    [
        "table.listening()[0].close()",
        "[one.close() for one in table.listening()]",
        "server.abort()",
        "(time.sleep(0.02), table.put('c0', {'type': 'a'}))",
        "(time.sleep(0.02), table.send('g', {'type': 'a'}))",
    ],
)
def test_loop_that_acts_when_it_is_told_of_a_group(loop: str, place: str, act: str) -> None:
    """As another thread can, while the first is in the loop's call_soon_threadsafe()."""
    run(f"""
    {ACT_ONCE}
    import time
    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, callback, *arguments, context=None):
            if getattr(callback, "__name__", "") == "_report_left":
                act()
            return super().call_soon_threadsafe(callback, *arguments, context=context)

    act = lambda: None
    loop, table = {loop}, new_table(expiry=0.01, group_expiry=0.01)
    table.on_group_empty = lambda name: None
    server, listener = serve(loop, application_on(table, groups=("g", "h")))
    clients = [connected(listener, UPGRADE)]
    turn_until(loop, lambda: len(table.listening()) == 1)
    turn(loop)
    table.add("g", "c0")
    table.add("h", "c0")
    table.put("c0", {{"type": "a"}})
    act = once(lambda: {act})
    {place}
    end_all(loop, table, server)
    del loop, table, server, act
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    "act",
    [
        "table.add(name, 'c')",
        "setattr(table, 'on_group_empty', None)",
        "delattr(table, 'on_group_empty')",
        "setattr(table, 'on_group_empty', told.append)",
        "table.flush()",
        "collect()",
    ],
)
def test_callback_of_groups_that_acts(act: str) -> None:
    run(f"""
    import functools
    def act(name):
        told.append(name)
        {act}

    told = []
    loop, table = new_loop(), new_table()
    table.on_group_empty = functools.partial(act)
    server, listener = serve(loop, application_on(table, groups=("g", "h", "i")))
    clients = join(loop, table, listener, 1)
    clients[0].close()
    turn_until(loop, lambda: server.tasks == 0)
    turn(loop)
    assert sorted(told) == ["g", "h", "i"], told
    table.flush()
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    "act",
    [
        "one_over_zero()",
        "table.put(name, {'type': 'inner'})",
        "table.add('g', name)",
        "table.flush()",
        "(table.put(name, {}), table.take(name))",
    ],
)
@pytest.mark.parametrize("outer", ["put('c', {})", "add('g', 'c')", "open('c')", "wait('c', DONE)"])
def test_capacity_that_acts(outer: str, act: str) -> None:
    run(f"""
    {ACT_ONCE}
    import types
    DONE = asyncio.Future(loop=asyncio.new_event_loop())
    DONE.set_result(None)

    def capacity(name):
        act(name)
        return 1

    name = "c"
    act = once(lambda: {act})
    table = new_table(capacity)
    with contextlib.suppress(ZeroDivisionError):
        table.{outer}
    table.flush()
    table.abandon("c", DONE)
    del table, act
    {ALL_GONE}
    """)


@pytest.mark.parametrize("result", ["None", "'1'", "[]"])
def test_capacity_that_is_no_number(result: str) -> None:
    run(f"""
    table = new_table(lambda name: {result})
    for call in (table.open, lambda name: table.put(name, {{}}), lambda name: table.add("g", name)):
        try:
            call("c")
        except TypeError:
            pass
        else:
            raise AssertionError
    assert table.groups() == [] and not alive(), alive()
    """)


@pytest.mark.parametrize("kind", ["[[number], (number, [])]", "{'key' + str(number): [number]}"])
def test_message_changed_while_it_is_copied(kind: str) -> None:
    """A copy makes containers, for which the garbage collector runs, which runs __del__()."""
    run(f"""
    class Garbage:
        def __init__(self):
            self.itself = self

        def __del__(self):
            global countdown
            countdown -= 1
            if countdown > 0:
                Garbage()
            elif countdown == 0:
                message["outer"].clear()
                message.clear()

    table = new_table()
    table.add("g", "c")
    for start in range(1, 60):
        message = {{"outer": [{kind} for number in range(1000, 1005)]}}
        countdown = start
        Garbage()
        gc.set_threshold(1)
        table.send("g", message)
        gc.set_threshold(700)
        countdown = 0
        del message
        gc.collect()
        table.take("c")
    table.flush()
    del table
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    "message", ["{}", "{'type': None}", "{'type': 5}", "{1: 2}", "{'type': 'x' * 10**7}"]
)
def test_messages_of_every_kind(message: str) -> None:
    run(f"""
    loop, table = new_loop(), new_table()
    table.add("g", "c")
    assert table.send("g", {message}) == 1
    assert table.take("c") == {message}
    for bad in (None, [], "type"):
        for call in (table.put, table.send):
            try:
                call("g", bad)
            except TypeError:
                pass
            else:
                raise AssertionError
    table.flush()
    loop.close()
    del loop, table
    {ALL_GONE}
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_many_threads(loop: str) -> None:
    """Every method in threads of their own, while consumers come and go."""
    run(f"""
    loop, table = {loop}(), new_table(lambda name: 5, expiry=0.01, group_expiry=0.02)
    table.on_group_empty = lambda name: table.members(name)
    server, listener = serve(loop, application_on(table, Plan(), groups=("g", "h")))
    stop, failures = threading.Event(), []

    def work(act):
        number = 0
        try:
            while not stop.is_set():
                act(number)
                number += 1
        except Exception as error:
            failures.append(repr(error))

    acts = [
        lambda number: table.put(f"c{{number % 40}}", {{"type": "a"}}),
        lambda number: table.add("g", f"c{{number % 40}}"),
        lambda number: table.discard("h", f"c{{number % 20}}"),
        lambda number: (table.members("g"), table.groups(), table.listening()),
        lambda number: (table.take(f"c{{number % 40}}"), number % 50 or table.flush()),
    ]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for _ in range(20):
        clients = [connected(listener, UPGRADE) for _ in range(2)]
        for _ in range(5):
            turn(loop, 1)
            table.send("g", {{"type": "b"}})
        clients.pop().close()
        clients.pop().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures
    server.abort()
    turn_until(loop, lambda: server.tasks == 0)
    turn(loop)
    table.flush()
    for number in range(100):
        table.take(f"c{{number}}")
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_message_that_closes_its_channel_when_it_expires() -> None:
    """The table alone holds the channel, and lets go of it then."""
    run(f"""
    async def application(scope, receive, send):
        cycle = table.open("c").listen(receive, send, Consumer(send), send, None)
        await cycle.next_event()
        await send({{"type": "websocket.accept"}})
        table.add("g", "c")
        await cycle.next_event()

    loop, table = new_loop(), new_table(expiry=0)
    server, listener = serve(loop, application)
    clients = join(loop, table, listener, 1)
    table.put("c", {{"type": "a", "value": Acting(on_end=lambda: table.open("c").close())}})
    turn_until(loop, lambda: not table.is_listening("c"))
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_consumer_that_listens_again_while_the_channel_closes() -> None:
    """A message that is dropped then runs application code; who listens anew, listens wholly."""
    run(f"""
    async def application(scope, receive, send):
        def listen():
            return channel.listen(receive, send, Consumer(send), send, Plan())

        channel = table.open("c")
        cycle = listen()
        await cycle.next_event()
        await send({{"type": "websocket.accept"}})
        table.put("c", {{"type": "a", "value": Acting(on_end=lambda: listened.append(listen()))}})
        channel.close()
        assert listened.pop() is cycle and type(channel.consumer) is Consumer
        channel.close()
        assert channel.consumer is None
        ended.append(True)

    ended, listened = [], []
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application)
    client = connected(listener, UPGRADE)
    turn_until(loop, lambda: ended)
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_value_that_goes_while_it_is_copied() -> None:
    """What comes to stand where it stood is another value, with a copy of its own.

    Whenever the garbage is collected; from Python 3.12 on that is not within a copy.
    """
    run("""
    class Last:
        def __init__(self, outer, first):
            self.outer, self.first, self.itself = outer, first, self

        def __del__(self):
            self.outer[0] = None
            self.first.pop()  # the list, which nothing else holds
            second.append(["second"])
            self.outer.append(second[-1])

    def copy_while_garbage_is_collected(allocations):
        gc.collect()
        first = [["first", [], []]]  # of what is in it there is another reference: it may recur
        outer = [first[0], [], [], [], None]
        Last(outer, first)
        gc.set_threshold(allocations, 1000, 1000)
        gc.enable()
        copy = _core.copy_plain(outer)
        gc.disable()
        if len(copy) == 6:
            assert copy[5] == ["second"], (allocations, copy)

    gc.disable()
    second = []
    for allocations in range(1, 40):
        copy_while_garbage_is_collected(allocations)
    assert second
    """)
