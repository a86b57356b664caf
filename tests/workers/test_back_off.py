"""A worker that ends is started again at once, and later the more often it ends soon."""

from casgi.supervisor.back_off import BackOff


def test_short_lives_are_followed_ever_later():
    back_off = BackOff()
    assert [back_off.after(1) for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_long_life_is_followed_at_once():
    back_off = BackOff()
    for _ in range(5):
        back_off.after(1)
    assert back_off.after(60) == 0
    assert [back_off.after(1) for _ in range(2)] == [0, 0.5]
