"""Which of the shapes in which people write their handlers are shared, and that no other is."""

import pytest
from members import EVENT, Load, copied
from shapes import BY_MEMBER, FOR_EACH, SHARED
from support.django_settings import configure_django

from casgi.channels.sharing import examine, plan_of

configure_django()


def test_there_are_seventy() -> None:
    assert len(SHARED) + len(BY_MEMBER) + len(FOR_EACH) == 70
    assert len(SHARED) + len(BY_MEMBER) >= 45


def test_shared(load: Load) -> None:
    for title, shape in SHARED.items():
        module = load(shape.text())
        assert examine(module.C, "h").reason == "", title
        event = {**copied(EVENT), "json": "[1]", **({"bytes": b"x"} if title == "bytes" else {})}
        run = plan_of(module.C).run(event)
        assert run is not None and len(run.outcomes) == 1, title
        assert len(run.outcomes[0][1]) == 1, title


def test_shared_by_member(load: Load) -> None:
    for title, shape in BY_MEMBER.items():
        module = load(shape.text())
        assert examine(module.C, "h").reason == "", title
        run = plan_of(module.C).run({**copied(EVENT), "sender": "x"})
        assert run is not None, title
        assert [len(comparisons) for comparisons, _ in run.outcomes] == [1, 1], title
        assert sorted(len(sent) for _, sent in run.outcomes) == [0, 1], title


@pytest.mark.parametrize("title", FOR_EACH)
def test_for_each(load: Load, title: str) -> None:
    shape, reason = FOR_EACH[title]
    module = load(shape.text())
    assert reason in examine(module.C, "h").reason
    assert plan_of(module.C).run(copied(EVENT)) is None
