"""What can be measured, one module for each command."""

from bench.scenarios.broadcast import Broadcast
from bench.scenarios.channels_echo import ChannelsEcho
from bench.scenarios.channels_idle import ChannelsIdle
from bench.scenarios.django_pages import (
    DjangoAsync,
    DjangoCall,
    DjangoFile,
    DjangoPage,
    DjangoSync,
    RestFramework,
)
from bench.scenarios.echo import Echo
from bench.scenarios.fanout import Fanout
from bench.scenarios.hello import Hello
from bench.scenarios.http2_hello import Http2Hello
from bench.scenarios.idle import Idle
from bench.scenarios.memory import Memory
from bench.scenarios.nothing_lost import NothingLost
from bench.scenarios.scenario import Metric, Scenario
from bench.scenarios.static import Static
from bench.scenarios.sync_consumer import SyncConsumer
from bench.scenarios.tls_hello import TlsHello

SCENARIOS: tuple[type[Scenario], ...] = (
    Hello,
    TlsHello,
    Http2Hello,
    Echo,
    Idle,
    Memory,
    Fanout,
    Broadcast,
    ChannelsEcho,
    ChannelsIdle,
    NothingLost,
    DjangoSync,
    DjangoAsync,
    DjangoCall,
    DjangoPage,
    DjangoFile,
    RestFramework,
    SyncConsumer,
    Static,
)

__all__ = ["SCENARIOS", "Metric", "Scenario"]
