/* Every limit and its reason, in one place. What an option can change carries the option's name.
 *
 * Where daphne has the limit, the value is daphne's, so that a project that moves over notices
 * nothing. */
#ifndef CASGI_BASE_LIMITS_H
#define CASGI_BASE_LIMITS_H

/* --header-timeout: seconds for the head of a request; nginx and Node take 60. A client that sends
 * it drop by drop holds a connection. */
#define LIMIT_HEADER_SECONDS 30

/* --keep-alive-timeout: seconds that an idle connection is kept, as nginx does. */
#define LIMIT_KEEP_ALIVE_SECONDS 75

/* --websocket-timeout: seconds that a WebSocket lives at most. */
#define LIMIT_WS_SECONDS 86400

/* --websocket-connect-timeout: seconds for the application to accept one. */
#define LIMIT_WS_CONNECT_SECONDS 5

/* --ping-interval and --ping-timeout: seconds between pings, and without an answer to one. Proxies
 * cut what is silent for 60. */
#define LIMIT_PING_INTERVAL_SECONDS 20
#define LIMIT_PING_SECONDS          30

/* --application-close-timeout: seconds for an application to end after its client has gone, and for
 * all of them at shutdown. */
#define LIMIT_APPLICATION_CLOSE_SECONDS 10

/* --max-head-size: request line and headers. nginx and Node take 8 to 16 KiB; 64 KiB leaves room
 * for large cookies and tokens and bounds what a client can make a worker hold before the
 * application sees it. 414 when the target alone is over it, else 431. */
#define LIMIT_HEAD_SIZE (64 * 1024)

/* --max-headers: gunicorn and Apache take 100; browsers send about 20. */
#define LIMIT_HEADERS 100

/* Trailer fields are parsed and dropped; a request needs few. */
#define LIMIT_TRAILER_SIZE (8 * 1024)

/* Trailer fields of one response, with what RFC 9113 section 6.5.2 adds for each: an application
 * may send them in any number of messages, and they leave together. As large as a request's head.
 */
#define LIMIT_RESPONSE_TRAILERS LIMIT_HEAD_SIZE
#define LIMIT_FIELD_OVERHEAD    32

/* Size and extensions of one chunk's header: RFC 9112 section 7.1.1 asks for a limit on extensions.
 */
#define LIMIT_CHUNK_EXTENSION_SIZE (4 * 1024)

/* Bytes read from a socket at once, one buffer per loop. 64 KiB is what libuv suggests. */
#define LIMIT_READ_SIZE (64 * 1024)

/* Milliseconds after which a turn reads no more from a socket that it has read from: a read can be
 * ten thousand messages. Uploads are read in a small part of it. */
#define LIMIT_READ_SHARE_MS 2

/* --request-buffer-size: the most bytes of a request body in one http.request event. All that may
 * wait fits: an application that joins the pieces one by one pays for each with all before it. */
#define LIMIT_REQUEST_BUFFER_SIZE (512 * 1024)

/* Body bytes that wait for the application's receive() before reading stops, after the read that
 * makes it more. */
#define LIMIT_RECEIVE_BUFFER (256 * 1024)

/* Times that an application whose client has gone can ask for http.disconnect and get it at once:
 * each of its layers may, but one that asks in a loop must not keep the server to itself. */
#define LIMIT_DISCONNECT_EVENTS 16

/* Messages and their bytes that wait for the application's receive() before reading stops. */
#define LIMIT_MAILBOX_MESSAGES 64
#define LIMIT_MAILBOX_BYTES    (256 * 1024)

/* Requests that a client has sent ahead of the current response (pipelining) before reading stops.
 */
#define LIMIT_PIPELINE_BYTES (64 * 1024)

/* Messages that an application sends in one turn of the loop, waiting for nothing, before others
 * have their turn: a millisecond, of small ones. */
#define LIMIT_SENDS_IN_TURN 256

/* --write-high-water: above this many unsent bytes the application's send() waits, until half of it
 * is left. */
#define LIMIT_WRITE_HIGH_WATER (64 * 1024)

/* Messages to a group that follow each other wait for each other up to so much: beyond it nothing
 * is gained, and a peer must not be taken for a slow one that nobody has written to. */
#define LIMIT_WRITE_TOGETHER (16 * 1024)

/* --write-backlog-limit: most unsent bytes of group messages per connection before the
 * slow-consumer policy. */
#define LIMIT_WRITE_BACKLOG (1024 * 1024)

/* Seconds between two reports of slow consumers: they come by the thousand when they come. */
#define LIMIT_SLOW_REPORT_SECONDS 1.0

/* Seconds between two looks at what is observed and has no event of its own, such as the sizes of
 * groups: Prometheus asks every 15 at most, `casgi top` every one. */
#define LIMIT_TICK_SECONDS 1.0

/* A body up to this size is copied next to its head, so that both leave in one write; above, it is
 * sent in place. */
#define LIMIT_COPIED_BODY (8 * 1024)

/* What is read of a file at once where sendfile(2) is not to be had, or the socket is full. */
#define LIMIT_FILE_PIECE (64 * 1024)

/* Bytes of files that one connection sends before the others have their turn: a client that reads
 * as fast as we send would keep the loop to itself. */
#define LIMIT_FILE_SHARE (1024 * 1024)

/* --static-max-age: seconds that clients keep a static file without asking, as WhiteNoise has it: a
 * page's reloads and neighbours are free, a deploy is seen after a minute. */
#define LIMIT_STATIC_MAX_AGE_SECONDS 60

/* --websocket-max-message-size and --websocket-max-frame-size: daphne 4.2.2 (CVE-2026-44545). */
#define LIMIT_WS_MESSAGE_SIZE (1024 * 1024)
#define LIMIT_WS_FRAME_SIZE   (1024 * 1024)

/* --websocket-max-groups: groups that one WebSocket is in. A membership of a group of its own takes
 * about 300 bytes, so that one client makes the server hold 40 MiB at most; projects have tens. */
#define LIMIT_WS_GROUPS (128 * 1024)

/* --websocket-max-message-rate and --websocket-max-byte-rate: of one WebSocket, a second. 0 is no
 * limit: what is much depends on the application. */
#define LIMIT_WS_MESSAGE_RATE 0
#define LIMIT_WS_BYTE_RATE    0

/* Seconds for which a WebSocket may have saved up of its rate: a loop that was held up gets at once
 * what was sent meanwhile. */
#define LIMIT_WS_RATE_SECONDS 5

/* Fragments of one message: tiny fragments cost CPU and memory far above their bytes
 * (CVE-2026-48779, CVE-2026-65623). So many are free; beyond them a message needs this many bytes
 * for each. */
#define LIMIT_WS_FRAGMENTS     1024
#define LIMIT_WS_FRAGMENT_SIZE 16

/* What compressing may add to a message at worst, as a part of it and in bytes: zlib's own bound
 * for its least memory. A message in longer frames is over --websocket-max-message-size, whatever
 * it inflates to. */
#define LIMIT_WS_DEFLATE_GROWTH 8
#define LIMIT_WS_DEFLATE_EXTRA  1024

/* --ws-deflate-window-bits: zlib's largest window. It lies in the few compressors that all
 * WebSockets share, unless context takeover gives each its own. */
#define LIMIT_WS_DEFLATE_WINDOW_BITS 15

/* --ws-deflate-memory-level: zlib's default. */
#define LIMIT_WS_DEFLATE_MEMORY_LEVEL 8

/* --ws-deflate-min-size: bytes of a message from which on it is compressed. 64 bytes of JSON gain
 * nothing; from about 200 on compressing saves more than it costs. */
#define LIMIT_WS_DEFLATE_MIN_SIZE 200

/* A control frame's payload (RFC 6455 section 5.5) and the reason that fits into a close frame
 * behind the code. */
#define LIMIT_WS_CONTROL_PAYLOAD 125
#define LIMIT_WS_CLOSE_REASON    123

/* Seconds that the peer of a closing WebSocket has to answer the close frame, and any closing
 * connection to end its side once it has got our last byte: longer only keeps the descriptor. */
#define LIMIT_CLOSE_HANDSHAKE_SECONDS 10.0
#define LIMIT_LINGER_SECONDS          2.0

/* Seconds that a peer may go on sending the rest of an upload that was answered already: closed
 * under it, a reset would destroy the answer that it has not read yet. nginx's lingering_time. */
#define LIMIT_LINGER_UPLOAD_SECONDS 30.0

/* LIMIT_CLOSE_HANDSHAKE_SECONDS and LIMIT_LINGER_SECONDS while the server shuts down, for the
 * others wait for it: a peer that is there answers in a round trip. */
#define LIMIT_DRAIN_HANDSHAKE_SECONDS 1.0
#define LIMIT_DRAIN_LINGER_SECONDS    0.3

/* Seconds from its begin that a connection may be without its first request when the server shuts
 * down: the client was let in, and no client repeats a request by itself that a new connection
 * failed. */
#define LIMIT_FIRST_REQUEST_SECONDS 0.5

/* --send-timeout: a peer that takes not one byte for so long, though bytes wait for it, is closed:
 * it holds memory and keeps an application in send(). nginx takes as long. */
#define LIMIT_STALL_SECONDS 60

/* --min-send-rate: bytes a second that a peer has to take within that time while bytes wait for it,
 * or one that takes a byte a minute is never closed. A modem of 1985 takes as many. */
#define LIMIT_SEND_RATE 240

/* --body-timeout: seconds without a byte of a body that is wanted, and how far it may be behind
 * --min-body-rate. nginx takes as long. */
#define LIMIT_BODY_SECONDS 60

/* --min-body-rate: bytes a second of a body. The same as for what is sent. */
#define LIMIT_BODY_RATE 240

/* The same while the server shuts down. */
#define LIMIT_DRAIN_STALL_SECONDS 2.0

/* A streamed response that sends nothing for so long waits for something to happen, which may be
 * never: a server that stops tells it so. */
#define LIMIT_STREAM_PAUSE_SECONDS 0.5

/* After a close frame (or a violation) arrived, how long the application may still answer the
 * messages that came before it. */
#define LIMIT_CLOSE_WAIT_SECONDS 1.0

/* Bytes of a request body that may be left when the application answers without having read it, for
 * the connection to be used again: they are read and dropped. When more are left, or nobody knows
 * how many, the answer says that the connection closes, for a new one is cheaper than the rest of
 * an upload. */
#define LIMIT_DISCARDED_BODY (256 * 1024)

/* Seconds for which the key of a session ticket seals new ones, and as long again for which it
 * opens them: a client that comes back within half a day resumes its session. RFC 8446
 * section 4.6.1 allows seven days; the shorter, the less a key that leaks gives away. */
#define LIMIT_TLS_TICKET_SECONDS (6 * 3600)

/* Messages of the handshake protocol, of both ends, in the life of a TLS connection: some twenty to
 * open it, and updates of keys with our answers, of which an honest peer makes one in many
 * gigabytes. */
#define LIMIT_TLS_HANDSHAKE_STEPS 128

/* Ciphertext that waits for the socket of a peer that makes us answer (alerts, updates of keys) and
 * does not read. */
#define LIMIT_TLS_UNSENT (64 * 1024)

/* --http2-max-streams: requests and WebSockets that one HTTP/2 connection has open at once. RFC
 * 9113 section 6.5.2 wants no fewer than 100, which browsers and most servers take; clients wait
 * with what is more, or open another connection. */
#define LIMIT_HTTP2_STREAMS 100

/* --http2-stream-window: bytes that a client may send on one stream ahead of an application that
 * does not read; they wait here, beside LIMIT_RECEIVE_BUFFER. An upload over 100 ms needs so much
 * for 2.5 MB/s. */
#define LIMIT_HTTP2_STREAM_WINDOW (256 * 1024)

/* The same for a whole connection: given back at once, so that one stream does not hold up the
 * others. It only has to be large enough for the way there and back. */
#define LIMIT_HTTP2_CONNECTION_WINDOW (1024 * 1024)

/* --http2-max-resets: streams of a connection that its client breaks off, or makes us break off, at
 * once (CVE-2023-44487, CVE-2025-8671). A page that is left with 2,000 fetches under way breaks off
 * as many, and nothing is wrong with that. */
#define LIMIT_HTTP2_RESETS 3000

/* --http2-max-glitches: frames of a connection that bring nothing, at once: SETTINGS, PING,
 * PRIORITY, empty DATA, CONTINUATION, unknown ones (CVE-2019-9512 to 9518, CVE-2024-27316). Honest
 * clients send a few in a minute. */
#define LIMIT_HTTP2_GLITCHES 1000

/* Seconds in which a client that has used up all of one of these has it again. */
#define LIMIT_HTTP2_REFILL_SECONDS 30

/* WINDOW_UPDATE frames at once, and as many again for each DATA frame that was sent: clients send
 * two for one, or for each small read of theirs. */
#define LIMIT_HTTP2_UPDATES           10000
#define LIMIT_HTTP2_UPDATES_PER_FRAME 16

/* A header block may be, as it was sent, so many times as large as a head, which is answered by
 * 431; what goes on behind is a flood. */
#define LIMIT_HTTP2_BLOCK_FACTOR 4

/* Frames that wait because a client does not read, those of bodies aside: answers to what it
 * sends. */
#define LIMIT_HTTP2_UNSENT_FRAMES 10000

/* Connections that the kernel holds for us before accept(2). */
#define LIMIT_LISTEN_BACKLOG 2048

/* Bytes of a message that one frame of the hub carries: a large one lets others through between
 * its parts. */
#define LIMIT_HUB_CHUNK (64 * 1024)

/* Bytes of a topic's or channel's name, which has two bytes for its length. */
#define LIMIT_HUB_NAME 65535

/* Bytes of one message through the hub: whoever receives it puts it together in memory. */
#define LIMIT_HUB_MESSAGE (16 * 1024 * 1024)

/* Bytes that a peer of the hub has sent and the hub has not read: its credit. */
#define LIMIT_HUB_WINDOW (1024 * 1024)

/* Bytes that wait for one peer of the hub; who publishes to it then waits, and for so many
 * seconds at most: afterwards the peer loses messages, and is told. Less than
 * LIMIT_HUB_SILENCE_SECONDS, so that nobody takes the hub for dead. */
#define LIMIT_HUB_BACKLOG          (1024 * 1024)
#define LIMIT_HUB_PATIENCE_SECONDS 0.3

/* Bytes that it has to take in that time for them to go on: a process takes so much on a machine
 * that has ten others to run, too. */
#define LIMIT_HUB_ROOM (128 * 1024)

/* Bytes that wait for one peer at most, whoever sends them. */
#define LIMIT_HUB_BACKLOG_MOST (4 * 1024 * 1024)

/* Bytes of acknowledgements and failures that wait for a peer of the hub that takes nothing: what
 * asks, and never reads what comes of it, is closed. */
#define LIMIT_HUB_ANSWERS (1024 * 1024)

/* CASGI_HUB_SILENCE: seconds after which a hub that acknowledges nothing is taken for dead: with
 * those below, and a moment on a busy machine, senders hear of it within one. */
#define LIMIT_HUB_SILENCE_SECONDS 0.6

/* Seconds more for whoever had no time to look for the answer. */
#define LIMIT_HUB_SUSPECT_SECONDS 0.1

/* Seconds since the hub's last acknowledgement in which a message counts as sent without waiting
 * for its own: whoever sends much gets one all the time, and need not wait for each. */
#define LIMIT_HUB_TRUST_SECONDS 0.002

/* Seconds between two tries to reach a hub: from the first, doubled up to the second. */
#define LIMIT_HUB_RETRY_SECONDS      0.05
#define LIMIT_HUB_RETRY_MOST_SECONDS 0.4

/* Seconds for a peer of the hub to say who it is. */
#define LIMIT_HUB_HELLO_SECONDS 5

/* Processes that one hub serves. */
#define LIMIT_HUB_PEERS 1000

/* Projects that one hub keeps apart. */
#define LIMIT_HUB_PROJECTS 64

/* Bytes that the channels of one project hold in the hub: so many of messages that wait for a
 * receiver, and so many of channels with their names. */
#define LIMIT_HUB_WAITING (64 * 1024 * 1024)

/* Seconds between two looks for messages of channels that have expired. */
#define LIMIT_HUB_SWEEP_SECONDS 15

/* Connections that a worker may have more than the emptiest before it passes new ones on: with less
 * each would be passed for nothing, since counts are a moment old. */
#define LIMIT_BALANCE_SLACK 2

/* --max-connections, --max-connections-per-address and --max-concurrent-requests: beyond them 503
 * is answered. 0 is no limit: how many there can be is a matter of memory and descriptors, and
 * behind a proxy all have one address. */
#define LIMIT_CONNECTIONS             0
#define LIMIT_CONNECTIONS_PER_ADDRESS 0
#define LIMIT_CONCURRENT_REQUESTS     0

/* --max-memory: bytes of the process in memory above which new connections get 503. 0 is no
 * limit. */
#define LIMIT_MEMORY 0

/* Seconds between two looks at how much memory is in use: reading it takes some microseconds. */
#define LIMIT_MEMORY_LOOK_SECONDS 1

/* Seconds for a client that is not let in to ask, and so to get its answer. */
#define LIMIT_REFUSED_SECONDS 5

/* Connections that are being refused at once, if the limit is lower; beyond that they are closed
 * without an answer. */
#define LIMIT_REFUSING_LEAST 64

/* Most seconds after which a client that was not let in is told to come again: from 1 on, each the
 * next. */
#define LIMIT_RETRY_SECONDS 10

/* Seconds between two lines in the log about who was not let in. */
#define LIMIT_REFUSAL_LOG_SECONDS 1

/* Seconds between two lines in the log about who could not be accepted. */
#define LIMIT_EXHAUSTED_LOG_SECONDS 10

/* Seconds between two lines in the log about an access log that cannot be written. */
#define LIMIT_LOG_LOST_SECONDS 60

/* Characters and fields of a format of the access log: all the fields there are, some of them
 * twice, and text between them. */
#define LIMIT_ACCESS_LOG_FORMAT 1024
#define LIMIT_ACCESS_LOG_FIELDS 48

/* Routes whose times are kept apart, and bytes of their names: what a Prometheus takes of one
 * server without harm. All others are one. */
#define LIMIT_OBSERVED_ROUTES 128
#define LIMIT_OBSERVED_NAME   128

#endif
