"""Channels, their tables and their WebSockets, ended in every order."""

import pytest

from memory.channels_rig import ALL_GONE, LOOPS, run


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("ending", ["close", "abort"])
def test_server_ended_with_messages_pending(loop: str, ending: str) -> None:
    """Those who listen are to be woken in a turn that never comes."""
    run(f"""
    loop, table = {loop}(), new_table()
    server, listener = serve(loop, application_on(table))
    clients = join(loop, table, listener, 3)
    assert table.send("g", {{"type": "a"}}) == 3
    server.{ending}()
    table.send("g", {{"type": "b"}})
    turn_until(loop, lambda: server.tasks == 0)
    assert table.listening() == [] and table.groups() == []
    server.close()
    loop.close()
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("closes_server", [False, True])
def test_loop_closed_under_who_listens(loop: str, closes_server: bool) -> None:
    run(f"""
    import warnings
    warnings.simplefilter("ignore")
    loop, table = {loop}(), new_table()
    table.on_group_empty = print
    server, listener = serve(loop, application_on(table))
    clients = join(loop, table, listener, 2)
    table.send("g", {{"type": "a"}})
    if {closes_server}:
        server.close()
    loop.close()
    server.close()
    table.put("c0", {{"type": "b"}})
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("with_server", [False, True])
def test_table_forgotten_while_channels_listen(loop: str, with_server: bool) -> None:
    run(f"""
    import warnings
    warnings.simplefilter("ignore")
    loop, table = {loop}(), new_table()
    table.on_group_empty = lambda name, table=table: None
    server, listener = serve(loop, application_on(table))
    clients = join(loop, table, listener, 2)
    del table
    if {with_server}:
        del server, loop
    else:
        collect()
        assert _core.counters()["channels"] == 2
        end(loop, server)
        del server, loop
    {ALL_GONE}
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("pending", [False, True])
def test_interpreter_ends_while_channels_listen(loop: str, pending: bool) -> None:
    run(f"""
    import warnings
    warnings.simplefilter("ignore")
    loop, table = {loop}(), new_table()
    table.on_group_empty = lambda name: None
    server, listener = serve(loop, application_on(table, Plan()))
    clients = join(loop, table, listener, 2)
    if {pending}:
        table.put("c0", {{"type": "a"}})
        table.send("g", {{"type": "a"}})
    """)


def test_listen_twice_close_twice() -> None:
    run(f"""
    async def application(scope, receive, send):
        first, second = table.open("one"), table.open("two")
        assert first.listen(receive, send, None, send, None) is not None
        assert first.listen(receive, send, None, send, None) is None
        assert second.listen(receive, send, None, send, None) is None
        assert second.listen(None, send, None, send, None) is None
        second.close()
        second.close()
        assert first.consumer is None and table.is_listening("one")
        cycle = first.listen(receive, None, None, None, None)
        first.close()
        first.close()
        assert not table.is_listening("one") and table.home is None
        cycle = first.listen(receive, send, first, send, Plan())
        assert cycle is not None and table.listening() == []
        assert (await cycle.next_event())["type"] == "websocket.connect"
        first.close()
        await send({{"type": "websocket.close"}})
        done.append(True)

    done = []
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application)
    client = connected(listener, UPGRADE)
    turn_until(loop, lambda: done)
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_listen_when_the_websocket_is_gone() -> None:
    run(f"""
    async def application(scope, receive, send):
        await receive()
        await send({{"type": "websocket.accept"}})
        gate.set()
        while table.groups() == []:
            await asyncio.sleep(0.001)
        channel = table.open("late")
        cycle = channel.listen(receive, send, None, send, Plan())
        assert table.add("g", "late") is None
        assert [one.name for one in table.members("g")] == ["other"]
        table.put("late", {{"type": "a"}})
        assert not channel.is_idle
        seen.append([(await cycle.next_event())["type"] for _ in range(2)])
        channel.close()

    gate, seen = asyncio.Event(), []
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application)
    client = connected(listener, UPGRADE)
    loop.run_until_complete(gate.wait())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    turn_until(loop, lambda: server.connections == 0)
    table.add("g", "other")
    turn_until(loop, lambda: server.tasks == 0)
    assert seen == [["websocket.disconnect", "a"]], seen
    table.flush()
    end(loop, server)
    del loop, table, server, gate
    {ALL_GONE}
    """)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("when", ["waiting", "message", "woken"])
def test_cancelled_consumer_leaves_nothing(loop: str, when: str) -> None:
    run(f"""
    loop, table = {loop}(), new_table()
    server, listener = serve(loop, application_on(table))
    clients = join(loop, table, listener, 1)
    if "{when}" != "waiting":
        table.put("c0", {{"type": "a"}})
    if "{when}" == "woken":
        loop.call_soon(loop.stop)
        loop.run_forever()
    tasks[0].cancel()
    turn_until(loop, lambda: server.tasks == 0)
    assert table.listening() == [] and table.groups() == [] and table.take("c0") is None
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_last_who_listens_tells_of_its_groups() -> None:
    """It ends by itself, on an open WebSocket: the groups it leaves empty are news as well."""
    run(f"""
    loop, table = new_loop(), new_table()
    told = []
    table.on_group_empty = told.append
    server, listener = serve(loop, application_on(table, groups=("g", "h")))
    clients = join(loop, table, listener, 1)
    table.put("c0", {{"type": "raise"}})
    turn_until(loop, lambda: server.tasks == 0)
    turn(loop)
    assert sorted(told) == ["g", "h"], told
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_groups_that_empty_are_told_on_the_next_loop_too() -> None:
    """The first loop was closed before it could tell."""
    run(f"""
    import warnings
    warnings.simplefilter("ignore")
    told = []
    table = new_table()
    table.on_group_empty = told.append
    for number in range(2):
        loop = new_loop()
        server, listener = serve(loop, application_on(table))
        clients = join(loop, table, listener, 1)
        if number == 0:
            tasks[0].cancel()
            table.listening()[0].close()
            server.close()
            loop.close()
        else:
            clients[0].close()
            turn_until(loop, lambda: server.tasks == 0)
            turn(loop)
            end(loop, server)
        del loop, server
        tasks.clear()
        collect()
    assert "g" in told, told
    del table
    {ALL_GONE}
    """)


def test_group_that_has_members_again_is_not_told() -> None:
    """Told late, it would have its subscription taken from its new member."""
    run(f"""
    loop, table = new_loop(), new_table()
    told = []
    table.on_group_empty = told.append
    server, listener = serve(loop, application_on(table, groups=("g", "h")))
    clients = join(loop, table, listener, 2)
    table.listening()[0].close()
    table.listening()[0].close()
    assert table.add("g", "other") is not None
    turn(loop)
    assert told == ["h"], told
    table.flush()
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("capacity", ["sys.maxsize", "2**32", "2**32 + 1", "2**80", "0", "-1"])
def test_capacity_of_any_size(capacity: str) -> None:
    run(f"""
    async def application(scope, receive, send):
        channel = table.open("c")
        cycle = channel.listen(receive, send, None, send, None)
        await cycle.next_event()
        # While the client's event is handled there is room for one more.
        done.append([table.put("c", {{"type": "a"}}) for _ in range(3)])
        channel.close()

    done = []
    loop, table = new_loop(), new_table(lambda name: {capacity})
    server, listener = serve(loop, application)
    client = connected(listener, UPGRADE)
    turn_until(loop, lambda: done)
    assert done == [[True] * 3], done
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_message_between_take_and_wait_wakes() -> None:
    """Another thread put it there: it is not heard of otherwise."""
    run(f"""
    loop, table = new_loop(), new_table()
    future = loop.create_future()
    assert table.take("c") is None
    assert table.put("c", {{"type": "a"}})
    table.wait("c", future)
    assert future.done()
    assert table.take("c") == {{"type": "a"}}
    loop.close()
    del loop, table, future
    {ALL_GONE}
    """)


def test_who_waits_is_woken_beside_who_listens() -> None:
    """A handler that receives from its own channel."""
    run(f"""
    async def application(scope, receive, send):
        channel = table.open("c")
        cycle = channel.listen(receive, send, None, send, None)
        await cycle.next_event()
        await send({{"type": "websocket.accept"}})
        future = loop.create_future()
        table.wait("c", future)
        table.put("c", {{"type": "a"}})
        assert future.done()
        done.append(table.take("c"))
        channel.close()

    done = []
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application)
    client = connected(listener, UPGRADE)
    turn_until(loop, lambda: server.tasks == 0 and server.connections)
    assert done == [{{"type": "a"}}], done
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_memberships_that_nobody_ends_expire() -> None:
    """Of channels to which nobody listens, in a group to which nobody sends."""
    run("""
    import time
    table = new_table(expiry=0.5, group_expiry=0.5)
    table.add("g", "c")
    assert table.groups() == ["g"]
    time.sleep(1.5)
    table.put("other", {})
    assert table.groups() == [], table.groups()
    assert _core.counters()["channels"] == 1
    table.take("other")
    assert _core.counters()["channels"] == 0
    """)


@pytest.mark.parametrize("name", ['"a" * 100', '"\\u00e9\\U0001f600" * 50', '""', '"a\\0b"'])
def test_exotic_names(name: str) -> None:
    run(f"""
    name = {name}
    table = new_table()
    assert table.add(name, name) == 0
    assert table.groups() == [name] and table.members(name)[0].name == name
    assert table.send(name, {{}}) == 1
    assert table.take(name) == {{}}
    assert table.discard(name, name)
    assert table.groups() == [] and not alive(), alive()
    for bad in (None, 1, b"a", "\\ud800"):
        for call in (table.members, table.open, table.take, table.is_listening):
            with contextlib.suppress(TypeError, UnicodeError):
                call(bad)
        with contextlib.suppress(TypeError, UnicodeError):
            table.add(bad, "c")
        with contextlib.suppress(TypeError, UnicodeError):
            table.send(bad, {{}})
    """)


@pytest.mark.parametrize("loop", LOOPS)
def test_slow_members_closed_by_the_walk(loop: str) -> None:
    """A fan-out of several large frames closes members, which leave the group that is walked."""
    run(f"""
    class Large(Plan):
        def payloads(self, message):
            return ("x" * 400_000,) * 8

    loop, table = {loop}(), new_table()
    told = []
    table.on_group_empty = told.append
    server, listener = serve(loop, application_on(table, Large()))
    clients = join(loop, table, listener, 3)
    for _ in range(50):
        table.send("g", {{"type": "a"}})
    turn_until(loop, lambda: told)
    assert told == ["g"] and table.members("g") == []
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_more_classes_than_runs() -> None:
    run(f"""
    async def application(scope, receive, send):
        await application_on(table, Plan())(scope, receive, send)

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application)
    clients = join(loop, table, listener, 20)
    assert table.send("g", {{"type": "a"}}) == 4
    assert table.shared == 16
    turn_until(loop, lambda: len(events) == 4)
    assert sum(read_all(loop, client) == b"\\x81\\x05frame" for client in clients) == 16
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    ("payloads", "shared"),
    [
        ("()", 1),
        ("('a',) * 8", 1),
        ("('a',) * 9", 0),
        ("None", 0),
        ("['a']", 0),
        ("('a', '\\ud800')", 0),
        ("('a', 1)", 0),
        ("('a', bytearray(b'a'))", 0),
        ("('', b'')", 1),
    ],
)
def test_payloads_of_every_kind(payloads: str, shared: int) -> None:
    run(f"""
    class Odd(Plan):
        def payloads(self, message):
            return {payloads}

    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table, Odd()))
    clients = join(loop, table, listener, 2)
    assert table.send("g", {{"type": "a"}}) == (0 if {shared} else 2)
    turn(loop)
    assert len(events) == (0 if {shared} else 2)
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_leaving_without_memory_is_no_end_of_the_news() -> None:
    """A member whose leaving cannot be told is lost; those who leave after it are not."""
    run(f"""
    try:
        import _testcapi
    except ImportError:  # an interpreter without its own tests
        sys.exit()

    def leave(table, number):
        told = []
        table.on_leave = lambda group, channel: told.append(channel)
        first, second = table.listening()[:2]
        _testcapi.set_nomemory(number, number + 1)
        try:
            first.close()
        except MemoryError:
            pass
        finally:
            _testcapi.remove_mem_hooks()
        second.close()
        turn(loop)
        assert told[-1:] == [second.name], (number, told)

    sys.unraisablehook = lambda error: None
    loop, table = new_loop(), new_table()
    server, listener = serve(loop, application_on(table))
    clients = join(loop, table, listener, 24)
    for number in range(1, 13):
        leave(table, number)
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    "act",
    [
        "table.open('c').close()",
        "table.put('c', {'type': 'a'})",
        "[table.put('full', {'type': 'a'}) for _ in range(6)]",
        "(table.add('a group', 'c'), table.discard('a group', 'c'))",
        "table.send('g', {'type': 'a', 'list': [1, (2, [3])], 'dict': {'a': {}}})",
        "table.send('g', {'type': 'a', 'value': {1: 2}})",
        "table.wait('c', waiter)",
        "table.take('c0')",
        "(table.members('g'), table.groups(), table.listening())",
        "table.listening()[0].close()",
        "[one.close() for one in table.listening()]",
        "table.flush()",
    ],
)
def test_without_memory(act: str) -> None:
    """Whichever allocation of Python's fails: MemoryError, and everything can be taken down."""
    run(f"""
    try:
        import _testcapi
    except ImportError:  # an interpreter without its own tests
        sys.exit()

    def attempt(number):
        loop, table = new_loop(), new_table(lambda name: 4)
        table.on_group_empty = lambda name: None
        server, listener = serve(loop, application_on(table, Plan()))
        waiter = loop.create_future()
        clients = join(loop, table, listener, 2)
        table.add("g", "elsewhere")
        failed = True
        _testcapi.set_nomemory(number, number + 1)
        try:
            {act}
            failed = False
        except MemoryError:
            pass
        finally:
            _testcapi.remove_mem_hooks()
        turn(loop)
        table.flush()
        waiter.cancel()
        table.abandon("c", waiter)
        clients.clear()
        listener.close()
        end(loop, server)
        return failed

    sys.unraisablehook = lambda error: None
    for number in range(1, 40):
        attempt(number)
        events.clear(); consumers.clear(); tasks.clear()
        numbers = itertools.count()
    {ALL_GONE}
    """)
