"""Django's HTTP at less cost: what stands in for parts of asgiref and Django while casgi serves.

docs/django.md says what is replaced and what can be seen of it.
"""


def thread_counts() -> dict[str, int]:
    """Return what the threads of Django's requests do, in this process.

    Their number, how many of them are idle, how many requests wait for one, and how many have
    waited so far, or were dropped while they waited since their client had left.
    """
    from casgi.django.acceleration import acceleration

    return acceleration.thread_counts()
