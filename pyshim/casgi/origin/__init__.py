"""Whether the live objects of a module are those that its file defines.

Whoever replaces, inlines or relies on a function of somebody else's has read its text. The program
may have changed the function meanwhile: wrapped it, assigned its `__code__` or its defaults, or put
something else under a name that it reads. So its file is compiled anew here, never run, and what
comes out is compared with the live objects. What cannot be known from the text counts as changed.
Tracing, coverage and profiling change nothing that is compared.

    reason = change_in("channels.consumer", ["AsyncConsumer.dispatch", "get_handler_name"])

is None, or what a log line can say: "channels.consumer.get_handler_name was replaced
(/srv/chat/audit.py:12)". It costs milliseconds for a module and belongs to the start, after which
`forget_texts()` frees what it has read;

    watch = Watch([(channels.consumer, "get_handler_name"), (AsyncConsumer, "dispatch")])
    watch.holds()

says for less than a microsecond each whether what is there under these names is what was there
when the watch was made. `WatchedCode` is both: read once, watched after that, and not trusted any
more once it was changed. `fingerprint` is for knowing a text itself. What casgi itself puts in the
place of a function is a `StandIn`, which counts as that function.
"""

from casgi.origin.change import change_in, forget_texts
from casgi.origin.fingerprint import fingerprint, function_fingerprint
from casgi.origin.hidden_name import hidden_name, method_names
from casgi.origin.nested import nested_function
from casgi.origin.stand_in import StandIn, original_of
from casgi.origin.watch import Place, Watch, places_in, places_read_by
from casgi.origin.watched_code import WatchedCode

__all__ = [
    "Place",
    "StandIn",
    "Watch",
    "WatchedCode",
    "change_in",
    "fingerprint",
    "forget_texts",
    "function_fingerprint",
    "hidden_name",
    "method_names",
    "nested_function",
    "original_of",
    "places_in",
    "places_read_by",
]
