"""What a server lets its clients do, and tells them: the half of the settings that the core knows.

Nobody makes one by itself: Config has these fields and its own.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from casgi import option_checks as checks
from casgi.options import Section, choice, flag, number, seconds, text
from casgi.tls import CertReqs, TlsVersion

SlowConsumerPolicy: TypeAlias = Literal["close", "drop-oldest", "drop-newest"]

# What HTTP/2's windows and numbers of streams can be (RFC 9113 section 6.5.2).
_INT31 = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """TLS, proxies, times, limits, what is spoken, and the headers of responses."""

    ssl_certfile: tuple[str, ...] = text(
        (),
        Section.TLS,
        "Certificate with its chain, in PEM. Repeatable: clients get that of the host they name.",
        metavar="FILE",
        is_repeatable=True,
        checked_by=checks.files,
        is_of_core=False,
    )
    ssl_keyfile: tuple[str, ...] = text(
        (),
        Section.TLS,
        "Its private key, in PEM, when that is in a file of its own; one for each certificate.",
        metavar="FILE",
        is_repeatable=True,
        checked_by=checks.files,
        is_of_core=False,
    )
    ssl_keyfile_password: str | None = text(
        None,
        Section.TLS,
        "Password of the keys; better given as CASGI_SSL_KEYFILE_PASSWORD.",
        metavar="TEXT",
        is_of_core=False,
    )
    ssl_ocsp: tuple[str, ...] = text(
        (),
        Section.TLS,
        "OCSP response to send along with the certificate that it is about (DER). Repeatable.",
        metavar="FILE",
        is_repeatable=True,
        checked_by=checks.files,
        is_of_core=False,
    )
    ssl_ca_certs: str | None = text(
        None,
        Section.TLS,
        "File or folder with the certificates of those who may sign clients' certificates.",
        metavar="PATH",
        checked_by=checks.not_empty,
        is_of_core=False,
    )
    ssl_cert_reqs: CertReqs = choice(
        "none",
        Section.TLS,
        "Whether clients have to show a certificate.",
        CertReqs,
        is_of_core=False,
    )
    ssl_ciphers: str | None = text(
        None,
        Section.TLS,
        "Ciphers of TLS 1.2, as OpenSSL writes them.",
        metavar="LIST",
        checked_by=checks.not_empty,
        is_of_core=False,
    )
    ssl_minimum_version: TlsVersion = choice(
        "1.2", Section.TLS, "Oldest version of TLS that is spoken.", TlsVersion, is_of_core=False
    )
    proxy_headers: bool = flag(
        False,
        Section.PROXIES,
        "Take the client's address and scheme from X-Forwarded-For, -Port and -Proto.",
        is_of_core=False,
    )
    proxy_headers_host: str | None = text(
        None,
        Section.PROXIES,
        "Header with the client's address, instead of X-Forwarded-For.",
        metavar="HEADER",
        checked_by=checks.header_name,
    )
    proxy_headers_port: str | None = text(
        None,
        Section.PROXIES,
        "Header with the client's port, instead of X-Forwarded-Port.",
        metavar="HEADER",
        checked_by=checks.header_name,
    )
    forwarded: bool = flag(
        False,
        Section.PROXIES,
        "Take the client's address and scheme from Forwarded (RFC 7239) instead.",
    )
    forwarded_host: bool = flag(
        False,
        Section.PROXIES,
        "Let Host be what the proxy was asked for, by X-Forwarded-Host or Forwarded.",
    )
    trusted_proxies: str = text(
        "*",
        Section.PROXIES,
        "Whose proxy headers are believed: 127.0.0.1,10.0.0.0/8, or * for everybody's.",
        metavar="NETWORKS",
        separator=",",
        checked_by=checks.networks,
    )
    proxy_protocol: bool = flag(
        False,
        Section.PROXIES,
        "Take the client's address from the PROXY protocol, with which connections have to begin.",
        is_of_core=False,
    )
    proxy_protocol_from: str = text(
        "127.0.0.0/8,::1",
        Section.PROXIES,
        "Who may connect then: addresses and networks, or * for all.",
        metavar="NETWORKS",
        checked_by=checks.networks,
        is_of_core=False,
    )
    http_timeout: float | None = seconds(
        None,
        Section.TIMES,
        "Longest time for a whole HTTP request and its response.",
        short="-t",
    )
    header_timeout: float | None = seconds(
        30.0, Section.TIMES, "Longest time to wait for the head of a request."
    )
    body_timeout: float | None = seconds(
        60.0, Section.TIMES, "Longest time to wait for a byte of a request's body."
    )
    send_timeout: float | None = seconds(
        60.0, Section.TIMES, "Longest time for a client to take a byte that waits for it."
    )
    keep_alive_timeout: float | None = seconds(
        75.0, Section.TIMES, "How long an idle HTTP connection is kept."
    )
    websocket_timeout: float | None = seconds(
        86400.0, Section.TIMES, "Longest time for a WebSocket to stay open."
    )
    websocket_connect_timeout: float | None = seconds(
        5.0, Section.TIMES, "Longest time for the application to accept a WebSocket."
    )
    ping_interval: float | None = seconds(
        20.0, Section.TIMES, "Time between the pings that a WebSocket is sent."
    )
    ping_timeout: float | None = seconds(
        30.0, Section.TIMES, "Time without an answer to a ping that closes a WebSocket."
    )
    application_close_timeout: float | None = seconds(
        10.0,
        Section.TIMES,
        "Time for an application to end after its client has gone, and at shutdown.",
        zero_is_never=False,
    )
    max_connections: int = number(
        0,
        Section.LIMITS,
        "Most connections of a process; beyond them 503 is answered. 0 is no limit.",
        least=0,
    )
    max_connections_per_address: int = number(
        0, Section.LIMITS, "The same of one client's address, proxies excepted.", least=0
    )
    max_concurrent_requests: int = number(
        0, Section.LIMITS, "Most HTTP requests under way; beyond them 503. 0 is no limit.", least=0
    )
    max_memory: int = number(
        0,
        Section.LIMITS,
        "Bytes of memory above which new connections are answered 503. 0 is no limit.",
        least=0,
    )
    min_body_rate: int = number(
        240,
        Section.LIMITS,
        "Bytes a second of a body, which may be --body-timeout behind; 0 is any.",
        least=0,
    )
    min_send_rate: int = number(
        240,
        Section.LIMITS,
        "Bytes a second that a client takes, within --send-timeout; 0 is any.",
        least=0,
    )
    websocket_max_message_rate: int = number(
        0, Section.LIMITS, "Most messages a second of a WebSocket; 0 is no limit.", least=0
    )
    websocket_max_byte_rate: int = number(
        0, Section.LIMITS, "Most bytes a second of a WebSocket; 0 is no limit.", least=0
    )
    websocket_max_message_size: int = number(
        1024 * 1024, Section.LIMITS, "Most bytes of an incoming message; 0 is no limit.", least=0
    )
    websocket_max_frame_size: int = number(
        1024 * 1024, Section.LIMITS, "Most bytes of an incoming frame; 0 is no limit.", least=0
    )
    websocket_max_groups: int = number(
        128 * 1024, Section.LIMITS, "Most groups that one WebSocket is in; 0 is no limit.", least=0
    )
    ws_deflate: bool = flag(
        False, Section.WEBSOCKETS, "Compress messages with clients that offer permessage-deflate."
    )
    ws_deflate_context_takeover: bool = flag(
        False,
        Section.WEBSOCKETS,
        "Let messages refer to those before: smaller, for a compressor's memory on each socket.",
    )
    ws_deflate_window_bits: int = number(
        15, Section.WEBSOCKETS, "Size of the compression's window, 9 to 15.", least=9, most=15
    )
    ws_deflate_memory_level: int = number(
        8, Section.WEBSOCKETS, "Memory of a compressor, 1 to 9 as zlib counts.", least=1, most=9
    )
    ws_deflate_min_size: int = number(
        200, Section.WEBSOCKETS, "Bytes from which on a message is compressed.", least=0
    )
    request_buffer_size: int = number(
        512 * 1024, Section.LIMITS, "Most bytes of a request's body in one event."
    )
    max_head_size: int = number(
        64 * 1024, Section.LIMITS, "Most bytes of a request line and its headers."
    )
    max_headers: int = number(100, Section.LIMITS, "Most headers of a request.")
    write_high_water: int = number(
        64 * 1024, Section.LIMITS, "Bytes waiting to be written above which send() waits."
    )
    write_backlog_limit: int = number(
        1024 * 1024, Section.LIMITS, "Most bytes of group messages that wait for a slow client."
    )
    slow_consumer: SlowConsumerPolicy = choice(
        "close",
        Section.LIMITS,
        "What is done when that is reached: close the client, or drop group messages.",
        SlowConsumerPolicy,
    )
    http2: bool = flag(
        True,
        Section.HTTP2,
        "Whether HTTP/2 is spoken, over TLS and without (prior knowledge).",
        has_opposite=True,
    )
    http2_max_streams: int = number(
        100,
        Section.HTTP2,
        "Most requests and WebSockets at once on a connection.",
        most=_INT31,
    )
    http2_stream_window: int = number(
        256 * 1024,
        Section.HTTP2,
        "Bytes that a client may send on a stream ahead of the application.",
        most=_INT31,
    )
    http2_max_resets: int = number(
        3000, Section.HTTP2, "Most streams that a client breaks off within half a minute."
    )
    http2_max_glitches: int = number(
        1000, Section.HTTP2, "Most frames that bring nothing within half a minute."
    )
    server_name: str | None = text(
        "casgi",
        Section.HEADERS,
        "Value of the Server header.",
        short="-s",
        empty_is_none=True,
        checked_by=checks.header_value,
    )
    date_header: bool = flag(
        True, Section.HEADERS, "Whether to send a Date header.", has_opposite=True
    )
