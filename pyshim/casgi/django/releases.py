"""Which asgiref is stood in for: one whose very code was read and tested.

A version is a name: a fork or a distributor's patch can have other code under it. So the module
must have a text that was read, and the functions that are replaced must still be that text's.
"""

from casgi.origin import change_in, fingerprint

# SHA-256 of asgiref/sync.py, of all releases from 3.6.0, the oldest that Django 4.2 takes.
SYNC = {
    "47927c97fa3956662d306356300364e4f50c39402998828af2f2a88060874da3",  # 3.6.0
    "9bf03a3bb1ee8b87a499cec6ba5dbd019d81b59a4445c1e48390d0840a8b3e54",  # 3.7.0, 3.7.1
    "5cda8466a3adee4d73a963d8b6fc8d6c45efe2275677a45bb9cb360d3f66653d",  # 3.7.2
    "7e6333b1de49b23ab3f002e6d07946c4e860a2777bc6f84204cf085485a834cb",  # 3.8.0
    "5a1cb461057ce2f4a9ec8041afe2436f1602b9af889cb8018ee8823258fd5a02",  # 3.8.1
    "e5d94ad13eb5a4c48d59ffbee3d9d4a239f499f76eaaaeabcaec325f1bf663e0",  # 3.9.0 to 3.9.2
    "0842b117278f8a4b14a00eccae89ce29a17a9a6350c546198d795f2595c44023",  # 3.10.0
    "9187d6b5fe02238dfccc8c3ce645fd610c74cbae01d4de803343dc4467f4d4ce",  # 3.11.0
    "2878d291845928827572606fc5c9681ab72786f02e11f5c2582640a3137c82b8",  # 3.11.1
    "ebf59e4bc90ff3fc921ffda859d3e168bb0534b0c7c9710652aaaca1b52b6bf2",  # 3.12.0
    "5340a5e010911ed8f622c52ef054517dcb7c1a716b3f5b6350e3c1f8d04bf419",  # 3.12.1
    "b5f2d860f7a4dcd968b5afe1cf14f7652ad20d64c97e4e89bda87ac0307100e0",  # 3.13.0
}
_REPLACED = ("ThreadSensitiveContext.__aenter__", "ThreadSensitiveContext.__aexit__")


def obstacle() -> str | None:
    """Return why no threads are leased for asgiref's contexts, or None."""
    if fingerprint("asgiref.sync") not in SYNC:
        return "asgiref.sync is not of the code that was tested"
    return change_in("asgiref.sync", _REPLACED)
