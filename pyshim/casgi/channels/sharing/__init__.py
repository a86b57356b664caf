"""Which handlers of consumers may run once for all members of a group.

From the text to frames: `source` gives the tree of a handler, `rules` are tried on it and on what
it calls, `facts` keep what that relies on, `proof` puts it together, `lowering` makes the code that
runs once, `execution` runs it, and `plan` is what a consumer's class has of all this. Read `rules`
(the invariant), `facts` and `plan` first.
"""

from typing import TYPE_CHECKING

from casgi.lazy import lazy_names

if TYPE_CHECKING:
    from casgi.channels.sharing.plan import SharingPlan, Verdict, examine, plan_of

__all__ = ["SharingPlan", "Verdict", "examine", "plan_of"]

# Loaded when asked for: `@shared` is in this package, and needs no Channels.
__getattr__ = lazy_names(__name__, dict.fromkeys(__all__, "casgi.channels.sharing.plan"))
