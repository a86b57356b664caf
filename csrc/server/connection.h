/* One accepted connection: its stream, what is to be written on it, its timer, and the protocol
 * that is spoken.
 *
 *   OPENING --on_open of the stream--> OPEN
 *   OPEN --connection_finish--> FINISHING --peer's end, or the linger timer--> CLOSING
 *   any  --connection_close---> CLOSING   --on_closed, from the loop--> freed
 *
 * OPENING: the stream may have a handshake of its own; no protocol is spoken yet. FINISHING: the
 * queue empties, FIN follows, the rest is read and dropped. It is freed in one place, the stream's
 * on_closed. Protocols are exchanged at one vtable, and chosen by the server. */
#ifndef CASGI_SERVER_CONNECTION_H
#define CASGI_SERVER_CONNECTION_H

#include "base/list.h"
#include "net/stream.h"
#include "net/timer.h"
#include "net/write_queue.h"

struct connection;
struct server;

struct protocol_ops {
    const char *name; /* static, as ALPN calls it */
    /* By which a client says, before all else, that it speaks this; empty: no client does. */
    struct slice preface;
    /* Returns new protocol for a connection (*borrows*), which on_closed() frees; or NULL. */
    void *(*begin)(struct connection *connection);
    void (*on_bytes)(void *protocol, struct slice bytes);
    void (*on_read_end)(void *protocol,
                        int status); /* the peer sent its last byte, or the stream broke */
    void (*on_drain)(void *protocol);
    /* Returns the bytes that wait for the peer and were not given to the connection yet; NULL:
     * there are none. */
    size_t (*unsent)(const void *protocol);
    void (*on_timeout)(void *protocol); /* the connection's timer fired */
    void (*leave)(void *protocol);      /* the server leaves; NULL: nothing to be said before the
                                           next answer */
    void (*shutdown)(void *protocol);   /* end soon: idle now, busy behind the current response,
                                           tunnels by their own manners */
    void (*on_closed)(
        void *protocol); /* the stream is closed: notify the exchanges, free the protocol */
};

enum peer_trust { TRUST_UNKNOWN, TRUST_GIVEN, TRUST_DENIED };

enum connection_state {
    CONNECTION_OPENING,
    CONNECTION_OPEN,
    CONNECTION_FINISHING,
    CONNECTION_CLOSING
};

struct connection {
    struct list link; /* in server->connections */
    struct server *server;
    struct stream *stream;
    struct write_queue queue;
    struct timer timer;             /* the protocol's, and the linger's when finishing */
    struct timer stall;             /* running while the peer should take bytes */
    uint64_t stall_progress;        /* stream_progress() when it was started */
    const struct protocol_ops *ops; /* NULL while OPENING */
    void *protocol;
    void *context;          /* the application's: kept per connection until on_connection_end() */
    struct address *peer;   /* owned; NULL until connection_peer() was called */
    uint64_t number;        /* which connection of its server it is, from 1 */
    uint64_t opened;        /* event_loop_now() when it was accepted */
    uint64_t last_heard;    /* event_loop_now() of the last bytes read */
    uint64_t lingers_since; /* event_loop_now() of our FIN, when FINISHING; 0 before */
    struct address_share *share; /* of admission: with how many of its address it is counted */
    const char *refusal;         /* why it is not let in (static); NULL when it is */
    enum connection_state state;
    enum peer_trust trust;
    uint8_t preface_length; /* bytes of server->prior_knowledge's preface that have come so far */
    bool may_switch;        /* the client has said nothing that is not that preface */
    bool is_congested;      /* was above the high-water mark and has not drained since */
    bool has_ended;         /* the peer will send no more */
    bool is_uploading;      /* FINISHING, and the peer is in the middle of what it sends */
};

/* The server's listener_accept. *Takes* the stream. */
void connection_accept(void *server, struct stream *stream);

/* Starts the protocol's timer (protocol_ops.on_timeout); `seconds` below 0 stops it. */
void connection_set_timeout(struct connection *connection, double seconds);

/* True when unsent bytes are above the high-water mark after everything the socket takes was
 * written: on_drain() will come. */
bool connection_is_congested(struct connection *connection);

/* Returns the bytes that wait for the peer, of all that the connection carries. */
size_t connection_unsent(const struct connection *connection);

/* True when the socket has all that was queued, as ciphertext where the stream encrypts. */
bool connection_has_sent_all(const struct connection *connection);

/* Writes what the socket takes now, and watches that the peer takes the rest. */
void connection_flush(struct connection *connection);

/* Returns the peer's address, asked for once; ADDRESS_NONE when it is unknown.
 * *Borrowed* for the connection's life, and while it is opening until on_identified(). */
const struct address *connection_peer(struct connection *connection);

/* Fills in the address of our end. */
void connection_local(struct connection *connection, struct address *local);

/* As stream_describe_security(). */
int connection_describe_security(struct connection *connection, struct stream_security *security);

/* Whether the peer is a proxy whose headers are believed: --trusted-proxies names it, or it came
 * over a unix socket, which only local processes reach. */
bool connection_is_trusted(struct connection *connection);

/* The server leaves: as protocol_ops.leave. */
void connection_leave(struct connection *connection);

/* Returns the seconds for which the first request of a connection that was just accepted is awaited
 * although the server shuts down; 0: no longer. */
double connection_first_request_seconds(const struct connection *connection);

/* The server shuts down: as protocol_ops.shutdown, and what is over already goes at once. A peer
 * that takes nothing is not waited for as long as usual; one that was just let in may finish its
 * handshake. */
void connection_shut_down(struct connection *connection);

/* Sends what is queued, then FIN, reads and drops what still comes for a while (so that no reset
 * destroys the answer), and closes. Idempotent. */
void connection_finish(struct connection *connection);

/* As connection_finish(), of a peer in the middle of a body: while it goes on sending, it is read
 * for longer. */
void connection_finish_upload(struct connection *connection);

/* Closes now; unsent bytes are dropped. As connection_reset() when the queue is torn. Idempotent,
 * callable anywhere; the connection lives until the loop's next turn. */
void connection_close(struct connection *connection);

/* As connection_close(), with RST: the peer must not take a cut response for a whole one. */
void connection_reset(struct connection *connection);

#endif
