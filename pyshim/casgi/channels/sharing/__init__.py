"""Which handlers of consumers may run once for all members of a group.

Read `purity` (the invariant), then `consumer_rules`, `known_functions` and `plan`.
"""

from typing import TYPE_CHECKING

from casgi.lazy import lazy_names

if TYPE_CHECKING:
    from casgi.channels.sharing.plan import SharingPlan, Verdict, examine, plan_of

__all__ = ["SharingPlan", "Verdict", "examine", "plan_of"]

# Loaded when asked for: `@shared` is in this package, and needs no Channels.
__getattr__ = lazy_names(__name__, dict.fromkeys(__all__, "casgi.channels.sharing.plan"))
