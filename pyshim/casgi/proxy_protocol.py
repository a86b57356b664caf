"""The PROXY protocol of listening sockets, by the settings."""

from casgi import _core
from casgi.config import Config
from casgi.option_checks import canonical_networks


def proxy_acceptor(config: Config) -> _core.ProxyAcceptor | None:
    """Return what listens for the PROXY protocol; None without it."""
    if not config.proxy_protocol:
        return None
    return _core.ProxyAcceptor(
        canonical_networks(config.proxy_protocol_from, "proxy_protocol_from")
    )
