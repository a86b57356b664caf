"""What one process publishes and another takes: whole, cut off, nonsense, and code that acts."""

import pytest

from memory.channels_rig import ALL_GONE, run
from memory.test_channel_reentrance import ACT_ONCE, ACTS

RIG = """
    FIRST, SECOND = b"1" * 16, b"2" * 16

    class KnowingPlan(Plan):
        # Of a handler that other processes know, too.
        fingerprint, known = FIRST, [FIRST]

        def __init__(self):
            self.runs = 0

        def payloads(self, message):
            self.runs += 1
            return ("text \\N{GREEK SMALL LETTER GAMMA}", b"bytes\\xff", "")

        def attributes_for(self, fingerprint):
            return self.attributes("x") if fingerprint in self.known else None

    def unpack(packed):
        unpacked.append(packed)
        return {"type": "unpacked", "text": packed.decode()}

    unpacked = []
    PACKED = b"the message"

    def rig(plan):
        loop, table = new_loop(), new_table()
        server, listener = serve(loop, application_on(table, plan))
        return loop, table, server, join(loop, table, listener, 2)

    def frames(loop, client):
        return read_all(loop, client)

    def published(plan=None):
        # The bytes that another process makes of the message.
        loop, table, server, clients = rig(plan or KnowingPlan())
        given = table.publish("g", {"type": "x"}, PACKED)
        sent = [frames(loop, client) for client in clients]
        end(loop, server)
        assert given[0] == 0, given
        assert sent[0] == sent[1] and sent[0], sent
        return given[1], sent[0]
"""


def check(script: str) -> str:
    """Run a script with the rig."""
    return run(RIG + "\n" + script)


def test_what_has_run_there_does_not_run_here() -> None:
    check(f"""
    packed, sent = published()
    plan = KnowingPlan()
    loop, table, server, clients = rig(plan)
    for _ in range(3):
        assert table.deliver("g", packed, unpack) == 0
        assert [frames(loop, client) for client in clients] == [sent] * 2
    assert plan.runs == 0 and not unpacked
    plan.known = [SECOND]  # another handler by now
    assert table.deliver("g", packed, unpack) == 0
    assert [frames(loop, client) for client in clients] == [sent] * 2
    assert plan.runs == 1 and unpacked == [PACKED]
    assert table.deliver("g", PACKED, unpack) == 0  # of a process in which it did not run
    assert plan.runs == 2
    assert table.deliver("nobody", packed, unpack) == 0
    end(loop, server)
    del loop, table, server, plan
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fingerprint", "None"),
        ("fingerprint", "'1' * 16"),
        ("fingerprint", "b'short'"),
        ("fingerprint", "b'1' * 17"),
        ("comparisons", "((('name', 'a', True),), ())"),
        ("comparisons", "((('name', 'a', True),),)"),
        ("payloads", "lambda self, message: None"),
        ("payloads", "lambda self, message: ('x' * 70000,)"),
    ],
)
def test_what_others_cannot_take_is_not_published(name: str, value: str) -> None:
    check(f"""
    class Other(KnowingPlan):
        {name} = {value}

    loop, table, server, clients = rig(Other())
    for each in consumers:
        each.name = "a"
    del each
    assert table.publish("g", {{"type": "x"}}, PACKED)[1] == PACKED
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_a_message_that_is_cut_off_anywhere() -> None:
    check(f"""
    packed, sent = published()
    plan = KnowingPlan()
    loop, table, server, clients = rig(plan)
    outcomes = []
    for length in range(1, len(packed)):
        before = plan.runs
        try:
            assert table.deliver("g", packed[:length], unpack) == 0
        except ValueError as error:
            assert "cut off" in str(error)
            outcomes.append("refused")
        else:
            assert unpacked.pop() == PACKED and plan.runs == before + 1
            assert [frames(loop, client) for client in clients] == [sent] * 2
            outcomes.append("run")
    beginning = 1 + 4 + len(PACKED)
    assert outcomes == ["refused"] * (beginning - 1) + ["run"] * (len(packed) - beginning)
    end(loop, server)
    del loop, table, server, plan
    {ALL_GONE}
    """)


def test_every_byte_changed() -> None:
    check(f"""
    packed, sent = published()
    plan = KnowingPlan()
    loop, table, server, clients = rig(plan)
    for place in range(len(packed)):
        for value in (0, 1, 0x7F, 0x80, 0xC1, 0xFF):
            with contextlib.suppress(ValueError):
                table.deliver("g", packed[:place] + bytes([value]) + packed[place + 1:], unpack)
    assert all(one.is_idle for one in table.listening()) and len(table.listening()) == 2
    end(loop, server)
    del loop, table, server, plan
    {ALL_GONE}
    """)


NONSENSE = {
    "text that is no UTF-8": "(1, b'\\xff')",
    "text that ends within a character": "(1, b'\\xce')",
    "too many": "*[(1, b'x')] * 9",
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_run_here(sent: str) -> None:
    check(f"""
    import struct
    def sized(part):
        return struct.pack("=I", len(part)) + part

    packed, expected = published()
    body = b"".join(bytes([is_text]) + sized(part) for is_text, part in [{sent}])
    nonsense = b"\\xc1" + sized(PACKED) + FIRST + sized(body)
    plan = KnowingPlan()
    loop, table, server, clients = rig(plan)
    assert table.deliver("g", nonsense, unpack) == 0
    assert plan.runs == 1 and unpacked == [PACKED]
    assert [frames(loop, client) for client in clients] == [expected] * 2
    end(loop, server)
    del loop, table, server, plan
    {ALL_GONE}
    """)


@pytest.mark.parametrize(
    ("unpack", "error"),
    [("lambda packed: [1]", "TypeError"), ("lambda packed: 1 / 0", "ZeroDivisionError")],
)
def test_a_message_that_cannot_be_read(unpack: str, error: str) -> None:
    check(f"""
    packed, sent = published()
    plan = KnowingPlan()
    loop, table, server, clients = rig(plan)
    assert table.deliver("g", packed, {unpack}) == 0  # nobody has to read it
    plan.known = []
    try:
        table.deliver("g", packed, {unpack})
    except {error}:
        pass
    else:
        raise AssertionError
    end(loop, server)
    del loop, table, server, plan
    {ALL_GONE}
    """)


@pytest.mark.parametrize("given", ["()", "5", "((1, 2, 3),)", "(5,)", "one_over_zero()"])
def test_a_plan_that_answers_nonsense(given: str) -> None:
    check(f"""
    {ACT_ONCE}
    class Odd(KnowingPlan):
        def attributes_for(self, fingerprint):
            return {given}

    packed, sent = published()
    loop, table, server, clients = rig(Odd())
    table.deliver("g", packed, unpack)
    table.deliver("g", packed, unpack)
    end_all(loop, table, server)
    del loop, table, server
    {ALL_GONE}
    """)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("place", ["attributes_for", "unpack"])
def test_what_acts_while_it_is_taken(place: str, act: str) -> None:
    check(f"""
    {ACT_ONCE}
    class Acting(KnowingPlan):
        def attributes_for(self, fingerprint):
            if {place!r} == "attributes_for":
                act()
            return super().attributes_for(fingerprint) if {place!r} != "unpack" else None

    def acting_unpack(packed):
        if {place!r} == "unpack":
            act()
        return unpack(packed)

    packed, sent = published()
    act = once(lambda: {act})
    loop, table, server, clients = rig(Acting())
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError):
            table.deliver("g", packed, acting_unpack)
    end_all(loop, table, server)
    del loop, table, server, act, acting_unpack
    {ALL_GONE}
    """)


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit"])
def test_an_interrupt_reaches_the_sender(kind: str) -> None:
    check(f"""
    class Interrupted(KnowingPlan):
        def attributes_for(self, fingerprint):
            raise {kind}

    packed, sent = published()
    loop, table, server, clients = rig(Interrupted())
    try:
        table.deliver("g", packed, unpack)
    except {kind}:
        pass
    else:
        raise AssertionError
    assert not unpacked
    end(loop, server)
    del loop, table, server
    {ALL_GONE}
    """)


def test_only_on_the_thread_of_the_loop() -> None:
    check(f"""
    import threading
    packed, sent = published()
    loop, table, server, clients = rig(KnowingPlan())
    refused = []

    def elsewhere():
        for call in (
            lambda: table.deliver("g", packed, unpack),
            lambda: table.publish("g", {{"type": "x"}}, PACKED),
        ):
            try:
                call()
            except RuntimeError as error:
                refused.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(refused) == 2
    end(loop, server)
    del loop, table, server, thread
    {ALL_GONE}
    """)
