/* The PROXY protocol as a stream around a stream. Owns the transport, the header while it comes,
 * and what has come behind it in one read; frees itself after on_closed().
 *
 *   HEADER --header whole, on_open--> OPEN
 *   HEADER --no header, a peer that is no proxy, the transport's end--> ENDED
 *
 * OPEN passes everything through. */
#include "net/proxy_stream.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/memory.h"
#include "net/proxy_header.h"
#include "net/socket_stream.h"

enum proxy_state { PROXY_HEADER, PROXY_OPEN, PROXY_ENDED };

struct proxy_stream {
    struct stream stream;
    struct stream *transport;
    const struct network_list *allowed;
    struct proxy_header *header; /* NULL when it is read */
    struct address source, destination;
    struct buffer rest;       /* came with the header, until somebody reads */
    struct deferred deferred; /* hands it up */
    enum proxy_state state;
    int end_status; /* of the transport's end, while `rest` is before it */
    bool has_ended;
    bool is_reading;
};

static struct proxy_stream *proxy_of(struct stream *stream) {
    return (struct proxy_stream *)stream;
}

/* --- The header --- */

/* There is nothing to read; `why` is for the log, NULL for nothing to be said. */
static void refuse(struct proxy_stream *proxy, const char *why) {
    proxy->state = PROXY_ENDED;
    proxy->stream.failure = why;
    stream_read_stop(proxy->transport);
    proxy->stream.events->on_read_end(proxy->stream.owner, STATUS_SYSTEM);
}

static bool is_allowed(const struct proxy_stream *proxy) {
    struct address peer, local;
    stream_peer_address(proxy->transport, &peer);
    stream_local_address(proxy->transport, &local);
    return local.family == ADDRESS_UNIX || network_list_has(proxy->allowed, &peer);
}

static void on_transport_open(void *owner) {
    struct proxy_stream *proxy = owner;
    if (!is_allowed(proxy)) {
        refuse(proxy, "a peer that is no proxy of --proxy-protocol-from connected to a port for "
                      "the PROXY protocol");
    } else if (stream_read_start(proxy->transport) != STATUS_OK) {
        refuse(proxy, NULL);
    }
}

static void finish_header(struct proxy_stream *proxy, struct slice rest) {
    if (buffer_append(&proxy->rest, rest) != STATUS_OK) {
        refuse(proxy, NULL);
        return;
    }
    proxy->source = proxy->header->source;
    proxy->destination = proxy->header->destination;
    memory_free(proxy->header);
    proxy->header = NULL;
    proxy->state = PROXY_OPEN;
    stream_read_stop(proxy->transport); /* until the owner wants it */
    stream_identified(&proxy->stream);
    proxy->stream.events->on_open(proxy->stream.owner);
}

static void read_header(struct proxy_stream *proxy, struct slice bytes) {
    switch (proxy_header_feed(proxy->header, &bytes)) {
    case PROXY_HEADER_WAITING:
        break;
    case PROXY_HEADER_INVALID:
        refuse(proxy, "a connection began without a valid header of the PROXY protocol, which "
                      "--proxy-protocol asks for");
        break;
    case PROXY_HEADER_WHOLE:
        finish_header(proxy, bytes);
    }
}

/* --- Reading --- */

/* Hands up what came with the header, then the end that came meanwhile. */
static void hand_up_rest(struct deferred *deferred) {
    struct proxy_stream *proxy = LIST_OBJECT(deferred, struct proxy_stream, deferred);
    event_loop_wake(proxy->stream.loop);
    if (!proxy->is_reading || proxy->stream.closing) {
        return;
    }
    struct buffer rest = proxy->rest;
    proxy->rest = BUFFER_EMPTY;
    if (rest.length > 0) {
        proxy->stream.events->on_read(proxy->stream.owner, buffer_slice(&rest));
    }
    buffer_release(&rest);
    if (proxy->has_ended && !proxy->stream.closing) {
        proxy->state = PROXY_ENDED;
        proxy->stream.events->on_read_end(proxy->stream.owner, proxy->end_status);
    }
}

static void on_transport_read(void *owner, struct slice bytes) {
    struct proxy_stream *proxy = owner;
    if (proxy->state == PROXY_HEADER) {
        read_header(proxy, bytes);
    } else if (proxy->rest.length == 0) {
        proxy->stream.events->on_read(proxy->stream.owner, bytes);
    } else if (buffer_append(&proxy->rest, bytes) != STATUS_OK) {
        refuse(proxy, NULL);
    }
}

static void on_transport_end(void *owner, int status) {
    struct proxy_stream *proxy = owner;
    if (proxy->state == PROXY_HEADER) {
        refuse(proxy, NULL);
    } else if (proxy->state == PROXY_OPEN && proxy->rest.length > 0) {
        proxy->has_ended = true;
        proxy->end_status = status;
    } else if (proxy->state == PROXY_OPEN) {
        proxy->state = PROXY_ENDED;
        proxy->stream.events->on_read_end(proxy->stream.owner, status);
    }
}

static void open_stream(struct stream *stream) {
    stream_open(proxy_of(stream)->transport);
}

static int read_start(struct stream *stream) {
    struct proxy_stream *proxy = proxy_of(stream);
    if (proxy->state == PROXY_ENDED) {
        return STATUS_OK;
    }
    proxy->is_reading = true;
    if (proxy->rest.length > 0) {
        event_loop_defer(stream->loop, &proxy->deferred);
    }
    return stream_read_start(proxy->transport);
}

static void read_stop(struct stream *stream) {
    proxy_of(stream)->is_reading = false;
    stream_read_stop(proxy_of(stream)->transport);
}

/* --- What passes through --- */

static ssize_t try_write(struct stream *stream, const struct slice *parts, unsigned count) {
    proxy_of(stream)->transport->has_more = stream->has_more;
    return stream_try_write(proxy_of(stream)->transport, parts, count);
}

static int write_parts(struct stream *stream, const struct slice *parts, unsigned count) {
    return stream_write(proxy_of(stream)->transport, parts, count);
}

static ssize_t send_file(struct stream *stream, const struct file_range *range) {
    return stream_send_file(proxy_of(stream)->transport, range);
}

static void end_writing(struct stream *stream) {
    stream_end_writing(proxy_of(stream)->transport);
}

static void close_stream(struct stream *stream) {
    deferred_cancel(&proxy_of(stream)->deferred);
    stream_close(proxy_of(stream)->transport);
}

static void reset(struct stream *stream) {
    deferred_cancel(&proxy_of(stream)->deferred);
    stream_reset(proxy_of(stream)->transport);
}

static uint64_t progress(const struct stream *stream) {
    return stream_progress(((const struct proxy_stream *)stream)->transport);
}

static void peer_address(struct stream *stream, struct address *address) {
    struct proxy_stream *proxy = proxy_of(stream);
    if (proxy->source.family != ADDRESS_NONE) {
        *address = proxy->source;
    } else {
        stream_peer_address(proxy->transport, address);
    }
}

static void local_address(struct stream *stream, struct address *address) {
    struct proxy_stream *proxy = proxy_of(stream);
    if (proxy->destination.family != ADDRESS_NONE) {
        *address = proxy->destination;
    } else {
        stream_local_address(proxy->transport, address);
    }
}

static const struct stream_ops proxy_stream_ops = {
    .open = open_stream,
    .read_start = read_start,
    .read_stop = read_stop,
    .try_write = try_write,
    .write = write_parts,
    .send_file = send_file,
    .end_writing = end_writing,
    .close = close_stream,
    .reset = reset,
    .progress = progress,
    .peer_address = peer_address,
    .local_address = local_address,
};

static void on_transport_written(void *owner, int status) {
    struct proxy_stream *proxy = owner;
    proxy->stream.events->on_written(proxy->stream.owner, status);
}

/* --- Its life --- */

static void free_proxy(struct proxy_stream *proxy) {
    deferred_cancel(&proxy->deferred);
    memory_free(proxy->header);
    buffer_release(&proxy->rest);
    memory_free(proxy);
    counters_closed(COUNTER_proxy_streams);
}

static void on_transport_closed(void *owner) {
    struct proxy_stream *proxy = owner;
    if (proxy->stream.events != NULL) {
        proxy->stream.events->on_closed(proxy->stream.owner);
    }
    free_proxy(proxy);
}

static const struct stream_events transport_events = {
    .on_open = on_transport_open,
    .on_read = on_transport_read,
    .on_read_end = on_transport_end,
    .on_written = on_transport_written,
    .on_closed = on_transport_closed,
};

static void on_unowned_closed(void *owner) {
    (void)owner;
}

/* For a transport that there is no memory to wrap. */
static const struct stream_events unowned_events = {.on_closed = on_unowned_closed};

static struct stream *give_up(struct stream *transport) {
    stream_attach(transport, &unowned_events, NULL);
    stream_close(transport);
    return NULL;
}

struct stream *proxy_stream_new(struct stream *transport, const struct network_list *allowed) {
    struct proxy_stream *proxy = memory_allocate_zeroed(sizeof(*proxy));
    if (proxy == NULL) {
        return give_up(transport);
    }
    counters_opened(COUNTER_proxy_streams);
    deferred_init(&proxy->deferred, hand_up_rest);
    proxy->header = memory_allocate_zeroed(sizeof(*proxy->header));
    if (proxy->header == NULL) {
        free_proxy(proxy);
        return give_up(transport);
    }
    proxy->stream.ops = &proxy_stream_ops;
    proxy->stream.loop = transport->loop;
    proxy->stream.is_secure = transport->is_secure;
    proxy->stream.is_relayed = true;
    proxy->transport = transport;
    proxy->allowed = allowed;
    stream_attach(transport, &transport_events, proxy);
    return &proxy->stream;
}

static struct stream *make(const struct stream_factory *factory, struct event_loop *loop,
                           int family, int descriptor) {
    struct stream *socket = socket_stream_new(loop, family, descriptor);
    return socket == NULL
               ? NULL
               : proxy_stream_new(socket, &((const struct proxy_factory *)factory)->allowed);
}

int proxy_factory_init(struct proxy_factory *factory, const char *allowed) {
    factory->factory.make = make;
    return network_list_parse(&factory->allowed, allowed);
}

void proxy_factory_release(struct proxy_factory *factory) {
    network_list_release(&factory->allowed);
}
