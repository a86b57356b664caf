"""What consumers saw, by a key that the client chose: read over HTTP by the checks."""

from collections import defaultdict
from urllib.parse import parse_qs

entries = defaultdict(list)


def note(scope, *entry):
    """Append an entry under the key of this connection's query string."""
    key = parse_qs(scope["query_string"].decode()).get("key", [""])[0]
    entries[key].append(list(entry))
