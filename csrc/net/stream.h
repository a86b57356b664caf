/* A connected byte stream: one vtable for tcp, unix and (later) tls, the one seam at which
 * transports are exchanged. A stream may wrap another: it attaches itself to that one, opens and
 * closes it, and frees itself when that one is closed.
 *
 *   made --attach, open--> on_open: bytes flow --close or reset--> on_closed: freed
 *
 * A stream lives from its constructor until on_closed() has returned. It gives bytes up as they
 * come and takes bytes down; it queues nothing but what libuv has been handed. Framing,
 * back-pressure and cork are the write_queue's. */
#ifndef CASGI_NET_STREAM_H
#define CASGI_NET_STREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"
#include "base/status.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "net/file.h"
#include "net/stream_security.h"

struct stream;

/* The events of which the stream notifies its owner. None is called after on_closed(), and none but
 * it after stream_close(). */
struct stream_events {
    /* It can be read and written, and is_secure and both addresses are known: from inside
     * stream_open(), or when a handshake is done. Once, before the others but on_read_end(). */
    void (*on_open)(void *owner);
    /* Bytes arrived. *Borrows*: they are valid during the call only. */
    void (*on_read)(void *owner, struct slice bytes);
    /* Nothing more will arrive: STATUS_OK at an orderly end (the peer may still read),
     * STATUS_SYSTEM at an error (reset). Once. */
    void (*on_read_end)(void *owner, int status);
    /* The stream_write() under way is finished, or the write queue has sent at the end of a turn,
     * or the stream, which encrypts, is no longer is_sending: STATUS_OK, or STATUS_CLOSED when the
     * peer will take no more. Whoever waits for room looks at write_queue_size() here. */
    void (*on_written)(void *owner, int status);
    /* The last call: nothing refers to `owner` any more; the stream frees itself when it returns.
     */
    void (*on_closed)(void *owner);
    /* Of a stream that is_relayed: the proxy has said who the peer is. Before on_open(), which may
     * wait for a handshake. NULL: nobody wants to know. */
    void (*on_identified)(void *owner);
};

struct stream_ops {
    void (*open)(struct stream *stream);
    int (*read_start)(struct stream *stream);
    void (*read_stop)(struct stream *stream);
    ssize_t (*try_write)(struct stream *stream, const struct slice *parts, unsigned count);
    int (*write)(struct stream *stream, const struct slice *parts, unsigned count);
    /* NULL where bytes can not go from a file to the socket unseen (TLS). */
    ssize_t (*send_file)(struct stream *stream, const struct file_range *range);
    void (*end_writing)(struct stream *stream);
    void (*close)(struct stream *stream);
    void (*reset)(struct stream *stream);
    uint64_t (*progress)(const struct stream *stream);
    void (*peer_address)(struct stream *stream, struct address *address);
    void (*local_address)(struct stream *stream, struct address *address);
    /* NULL where nothing is encrypted. */
    int (*describe_security)(struct stream *stream, struct stream_security *security);
};

/* First member of every implementation. */
struct stream {
    const struct stream_ops *ops;
    const struct stream_events *events;
    void *owner;
    struct event_loop *loop;
    const char *failure; /* why it ended before on_open(), static; NULL: unknown */
    /* What is spoken on it by its handshake's word (ALPN, RFC 7301); empty: it has none. *Borrowed*
     * from the stream. */
    struct slice protocol;
    bool is_secure;  /* encrypted: the scheme is https or wss */
    bool is_relayed; /* by a proxy that names the peer first: until on_identified() it is the proxy
                      */
    bool is_sending; /* holds bytes that it took and the socket has not; on_written() follows */
    bool has_more; /* stream_try_write() is followed by another, with whose bytes its own may leave
                    */
    bool closing;  /* stream_close() or stream_reset() was called */
};

/* Sets who is notified; before anything else. *Borrows* both. */
static inline void stream_attach(struct stream *stream, const struct stream_events *events,
                                 void *owner) {
    stream->events = events;
    stream->owner = owner;
}

/* Does what comes before the first byte, if there is anything to do; on_open() follows. Reads and
 * writes may begin there. */
static inline void stream_open(struct stream *stream) {
    stream->ops->open(stream);
}

/* For an implementation: notifies the owner. */
static inline void stream_identified(struct stream *stream) {
    if (stream->events->on_identified != NULL) {
        stream->events->on_identified(stream->owner);
    }
}

/* Starts or goes on reading; idempotent, and nothing after the end. STATUS_SYSTEM when the
 * descriptor can not be read, STATUS_CLOSED once the stream is closing. */
static inline int stream_read_start(struct stream *stream) {
    return stream->closing ? STATUS_CLOSED : stream->ops->read_start(stream);
}

/* Stops reading (back-pressure); idempotent. */
static inline void stream_read_stop(struct stream *stream) {
    if (!stream->closing) {
        stream->ops->read_stop(stream);
    }
}

/* Writes now what the socket takes without waiting. Returns the bytes taken (0: none just now), or
 * STATUS_CLOSED. *Borrows* the parts for the call. Only while no stream_write() is under way.
 * `count` at most STREAM_PARTS_MAX. */
static inline ssize_t stream_try_write(struct stream *stream, const struct slice *parts,
                                       unsigned count) {
    return stream->closing ? STATUS_CLOSED : stream->ops->try_write(stream, parts, count);
}

/* As stream_try_write() of a range of a file (*borrows*), which is not read into our memory.
 * STATUS_SYSTEM when the file is shorter or can not be read; STATUS_STATE where this stream, or
 * this file, can not do so: it has to be read. */
static inline ssize_t stream_send_file(struct stream *stream, const struct file_range *range) {
    if (stream->closing) {
        return STATUS_CLOSED;
    }
    return stream->ops->send_file != NULL ? stream->ops->send_file(stream, range) : STATUS_STATE;
}

/* Writes all parts as the socket takes them, then calls on_written() (never from inside this call).
 * The bytes (not the array) must stay valid until then. One at a time. Returns STATUS_OK,
 * STATUS_CLOSED, or STATUS_NO_MEMORY; on failure on_written() is not called. */
static inline int stream_write(struct stream *stream, const struct slice *parts, unsigned count) {
    return stream->closing ? STATUS_CLOSED : stream->ops->write(stream, parts, count);
}

/* Bytes of all that was written since the beginning that the socket has taken, whatever it was sent
 * as: tells a slow peer from one that takes nothing. Never falls. */
static inline uint64_t stream_progress(const struct stream *stream) {
    return stream->ops->progress(stream);
}

/* Sends FIN (TLS: close_notify first) behind what was written; reading goes on. Idempotent. */
static inline void stream_end_writing(struct stream *stream) {
    if (!stream->closing) {
        stream->ops->end_writing(stream);
    }
}

/* Closes the stream, dropping what is unwritten; on_closed() follows from the loop, never from
 * inside this call. Idempotent, callable anywhere. */
static inline void stream_close(struct stream *stream) {
    if (!stream->closing) {
        stream->closing = true;
        stream->ops->close(stream);
    }
}

/* As stream_close(), telling a tcp peer by RST that the exchange was cut. */
static inline void stream_reset(struct stream *stream) {
    if (!stream->closing) {
        stream->closing = true;
        stream->ops->reset(stream);
    }
}

/* Fill in the address of one end; ADDRESS_NONE when the peer has already left. A system call each.
 */
static inline void stream_peer_address(struct stream *stream, struct address *address) {
    stream->ops->peer_address(stream, address);
}
static inline void stream_local_address(struct stream *stream, struct address *address) {
    stream->ops->local_address(stream, address);
}

/* Fills in *security, which the caller releases in every case. STATUS_OK, STATUS_NO_MEMORY, or
 * STATUS_STATE for a stream that is not encrypted. Once it is open. */
static inline int stream_describe_security(struct stream *stream,
                                           struct stream_security *security) {
    *security = (struct stream_security){0};
    return stream->ops->describe_security == NULL
               ? STATUS_STATE
               : stream->ops->describe_security(stream, security);
}

#define STREAM_PARTS_MAX 64

/* What a listener makes its streams with. Embedded in what it needs for that. */
struct stream_factory {
    /* Returns new stream on `descriptor`, a connected stream socket of `family` (AF_UNIX, or tcp),
     * which it *takes* in every case; NULL, the descriptor then being closed. */
    struct stream *(*make)(const struct stream_factory *factory, struct event_loop *loop,
                           int family, int descriptor);
};

#endif
