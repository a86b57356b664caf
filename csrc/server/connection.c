/* One connection. Owns its stream, queue, timers and protocol from connection_accept() to
 * on_closed(); never looks at what the bytes mean. */
#include "server/connection.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "server/admission.h"
#include "server/server.h"

/* Whoever has looked at the connection before has seen the proxy. */
static void on_identified(void *owner) {
    struct connection *connection = owner;
    if (connection->state == CONNECTION_OPENING) {
        memory_free(connection->peer);
        connection->peer = NULL;
        connection->trust = TRUST_UNKNOWN;
        admission_identify(connection);
    }
}

/* The server may leave already, or shut down. */
static void join_end(struct connection *connection) {
    if (connection->server->is_draining) {
        connection->ops->shutdown(connection->protocol);
    } else if (connection->server->is_leaving) {
        connection_leave(connection);
    }
}

/* Starts to speak `protocol`, and to read. Closes the connection when that is impossible. */
static void begin(struct connection *connection, const struct protocol_ops *protocol) {
    timer_stop(&connection->timer);
    connection->state = CONNECTION_OPEN;
    connection->ops = protocol;
    connection->protocol = protocol->begin(connection);
    if (connection->protocol == NULL || stream_read_start(connection->stream) != STATUS_OK) {
        connection_close(connection);
    } else if (connection->state == CONNECTION_OPEN) {
        join_end(connection);
    }
}

static void on_open(void *owner) {
    struct connection *connection = owner;
    struct server *server = connection->server;
    if (connection->state != CONNECTION_OPENING) {
        return;
    }
    if (access_log_is_on(&server->access_log)) {
        (void)connection_peer(connection); /* the socket may be gone by the time of the line */
    }
    connection->last_heard = event_loop_now(server->loop);
    const struct protocol_ops *protocol = connection->refusal == NULL
                                              ? server->choose_protocol(server, connection->stream)
                                              : server->refusing;
    connection->may_switch = server->prior_knowledge != NULL &&
                             server->prior_knowledge != protocol && connection->refusal == NULL;
    begin(connection, protocol);
}

/* Goes on with a protocol that the client has chosen by its first bytes. The one that it did not
 * mean has seen nothing yet. */
static void switch_protocol(struct connection *connection, const struct protocol_ops *protocol) {
    connection->ops->on_closed(connection->protocol);
    begin(connection, protocol);
}

static void pass_on(struct connection *connection, struct slice bytes) {
    if (connection->state == CONNECTION_OPEN && bytes.length > 0) {
        connection->ops->on_bytes(connection->protocol, bytes);
    }
}

/* The client may be about to say that it speaks another protocol. What has come of the preface is
 * kept by its length only. */
static void look_for_preface(struct connection *connection, struct slice bytes) {
    const struct protocol_ops *other = connection->server->prior_knowledge;
    struct slice come = slice_of(other->preface.data, connection->preface_length);
    struct slice rest = slice_without_front(other->preface, come.length);
    size_t length = bytes.length < rest.length ? bytes.length : rest.length;
    bool is_preface = memcmp(bytes.data, rest.data, length) == 0;
    if (is_preface && length < rest.length) {
        connection->preface_length += (uint8_t)length;
        return;
    }
    connection->may_switch = false;
    if (is_preface) {
        switch_protocol(connection, other);
    }
    pass_on(connection, come);
    pass_on(connection, bytes);
}

static void on_read(void *owner, struct slice bytes) {
    struct connection *connection = owner;
    connection->last_heard = event_loop_now(connection->server->loop);
    if (connection->may_switch && connection->state == CONNECTION_OPEN) {
        look_for_preface(connection, bytes);
    } else {
        pass_on(connection, bytes);
    }
}

/* There was no handshake. */
static void report_failure(struct connection *connection) {
    struct server *server = connection->server;
    const char *failure = connection->stream->failure;
    if (failure != NULL) {
        server_refuse(server, connection_peer(connection), 0, failure);
    }
}

size_t connection_unsent(const struct connection *connection) {
    const struct protocol_ops *ops = connection->ops;
    bool has_more = ops != NULL && ops->unsent != NULL && connection->protocol != NULL;
    return write_queue_size(&connection->queue) +
           (has_more ? ops->unsent(connection->protocol) : 0);
}

bool connection_has_sent_all(const struct connection *connection) {
    return write_queue_size(&connection->queue) == 0 && !connection->stream->is_sending;
}

static void on_read_end(void *owner, int status) {
    struct connection *connection = owner;
    connection->has_ended = true;
    if (connection->state == CONNECTION_OPEN) {
        connection->ops->on_read_end(connection->protocol, status);
    } else if (connection->state == CONNECTION_OPENING) {
        report_failure(connection);
        connection_close(connection);
    } else if (status != STATUS_OK || connection_has_sent_all(connection)) {
        connection_close(connection);
    }
}

/* Bytes wait for the peer: watch that it goes on taking some. */
static void watch_stall(struct connection *connection) {
    struct server *server = connection->server;
    double seconds = server_stall_seconds(server);
    if (!timer_is_running(&connection->stall) && seconds >= 0) {
        connection->stall_progress = stream_progress(connection->stream);
        timer_start(server->loop, &connection->stall, seconds);
    }
}

/* Waits for the peer to end its side, too. */
static void linger(struct connection *connection) {
    struct server *server = connection->server;
    timer_start(server->loop, &connection->timer,
                server->is_draining && !connection->is_uploading ? LIMIT_DRAIN_LINGER_SECONDS
                                                                 : LIMIT_LINGER_SECONDS);
}

/* The last byte has gone: end our side, and wait a moment for the peer to end its own. One that has
 * may still read: with TLS it takes a response for cut that no close_notify follows. */
static void end_writing(struct connection *connection) {
    if (connection->has_ended) {
        if (connection->stream->is_secure) {
            stream_end_writing(connection->stream);
        }
        connection_close(connection);
        return;
    }
    stream_end_writing(connection->stream);
    connection->lingers_since = event_loop_now(connection->server->loop);
    linger(connection);
}

/* The peer has not ended. It gets more time while it sends the rest of its upload. */
static void end_lingering(struct connection *connection) {
    uint64_t now = event_loop_now(connection->server->loop);
    double lingered = (double)(now - connection->lingers_since) / 1000.0;
    double silent = (double)(now - connection->last_heard) / 1000.0;
    if (connection->is_uploading && silent < LIMIT_LINGER_SECONDS &&
        lingered < LIMIT_LINGER_UPLOAD_SECONDS && !connection->server->is_draining) {
        timer_start(connection->server->loop, &connection->timer, LIMIT_LINGER_SECONDS);
    } else {
        connection_close(connection);
    }
}

static void on_written(void *owner, int status) {
    struct connection *connection = owner;
    if (write_queue_on_written(&connection->queue, status) != STATUS_OK) {
        connection_close(connection);
        return;
    }
    bool has_sent_all = connection_has_sent_all(connection);
    if (has_sent_all) {
        timer_stop(&connection->stall);
    }
    if (connection->state == CONNECTION_FINISHING && has_sent_all) {
        end_writing(connection);
    } else if (connection->is_congested && write_queue_size(&connection->queue) <=
                                               connection->server->options.write_high_water / 2) {
        connection->is_congested = false;
        if (connection->state == CONNECTION_OPEN) {
            connection->ops->on_drain(connection->protocol);
        }
    }
}

static void on_closed(void *owner) {
    struct connection *connection = owner;
    struct server *server = connection->server;
    connection->state = CONNECTION_CLOSING;
    timer_stop(&connection->timer);
    timer_stop(&connection->stall);
    write_queue_release(&connection->queue);
    if (connection->protocol != NULL) {
        connection->ops->on_closed(connection->protocol);
        connection->protocol = NULL;
    }
    server->application->on_connection_end(server->owner, connection);
    list_remove(&connection->link);
    admission_leave(connection);
    server->connection_count--;
    memory_free(connection->peer);
    memory_free(connection);
    counters_closed(COUNTER_connections);
    if (server->connection_count == 0) {
        server->application->on_idle(server->owner);
    }
}

static const struct stream_events stream_events = {.on_open = on_open,
                                                   .on_identified = on_identified,
                                                   .on_read = on_read,
                                                   .on_read_end = on_read_end,
                                                   .on_written = on_written,
                                                   .on_closed = on_closed};

static void on_timer(struct timer *timer) {
    struct connection *connection = LIST_OBJECT(timer, struct connection, timer);
    if (connection->state == CONNECTION_OPEN) {
        connection->ops->on_timeout(connection->protocol);
    } else if (connection->state == CONNECTION_FINISHING) {
        end_lingering(connection);
    } else {
        connection_close(connection);
    }
}

static void on_stall(struct timer *timer) {
    struct connection *connection = LIST_OBJECT(timer, struct connection, stall);
    if (connection_has_sent_all(connection)) {
        return;
    }
    uint64_t taken = stream_progress(connection->stream) - connection->stall_progress;
    if (server_is_stalled(connection->server, taken)) {
        connection_reset(connection);
    } else {
        watch_stall(connection);
    }
}

static void on_unowned_closed(void *owner) {
    (void)owner;
}

/* A stream for which there is no memory, or no patience: it only has to go. */
static const struct stream_events unowned_events = {.on_closed = on_unowned_closed};

void connection_accept(void *owner, struct stream *stream) {
    struct server *server = owner;
    struct connection *connection =
        admission_is_flooded(server) ? NULL : memory_allocate_zeroed(sizeof(*connection));
    if (connection == NULL) {
        stream_attach(stream, &unowned_events, NULL);
        stream_close(stream);
        return;
    }
    counters_opened(COUNTER_connections);
    connection->server = server;
    connection->stream = stream;
    connection->number = ++server->last_number;
    connection->opened = event_loop_now(server->loop);
    timer_init(&connection->timer, on_timer);
    timer_init(&connection->stall, on_stall);
    write_queue_init(&connection->queue, stream);
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    admission_enter(connection);
    metrics_add(&server->metrics, METRIC_connections, 1);
    stream_attach(stream, &stream_events, connection);
    stream_open(stream);
    if (connection->state == CONNECTION_OPENING) {
        connection_set_timeout(connection, server->options.header_timeout);
    }
}

void connection_set_timeout(struct connection *connection, double seconds) {
    if (seconds < 0) {
        timer_stop(&connection->timer);
    } else {
        timer_start(connection->server->loop, &connection->timer, seconds);
    }
}

/* What is returned when there is no memory for the peer's address. */
static const struct address NO_ADDRESS = {.family = ADDRESS_NONE};

const struct address *connection_peer(struct connection *connection) {
    if (connection->peer == NULL) {
        connection->peer = memory_allocate_zeroed(sizeof(*connection->peer));
        if (connection->peer == NULL) {
            return &NO_ADDRESS;
        }
        stream_peer_address(connection->stream, connection->peer);
    }
    return connection->peer;
}

void connection_local(struct connection *connection, struct address *local) {
    stream_local_address(connection->stream, local);
}

int connection_describe_security(struct connection *connection, struct stream_security *security) {
    return stream_describe_security(connection->stream, security);
}

bool connection_is_trusted(struct connection *connection) {
    if (connection->trust == TRUST_UNKNOWN) {
        struct address local;
        connection_local(connection, &local);
        bool is_trusted =
            local.family == ADDRESS_UNIX ||
            network_list_has(&connection->server->trusted, connection_peer(connection));
        connection->trust = is_trusted ? TRUST_GIVEN : TRUST_DENIED;
    }
    return connection->trust == TRUST_GIVEN;
}

bool connection_is_congested(struct connection *connection) {
    size_t high_water = connection->server->options.write_high_water;
    if (write_queue_size(&connection->queue) <= high_water ||
        connection->state == CONNECTION_CLOSING) {
        return false;
    }
    if (write_queue_flush_now(&connection->queue) != STATUS_OK) {
        connection_close(connection); /* whoever has sent may never send again */
        return false;
    }
    if (write_queue_size(&connection->queue) <= high_water) {
        return false;
    }
    connection->is_congested = true;
    watch_stall(connection);
    return true;
}

void connection_flush(struct connection *connection) {
    if (connection->state == CONNECTION_CLOSING) {
        return;
    }
    if (write_queue_flush_now(&connection->queue) != STATUS_OK) {
        connection_close(connection);
    } else if (!connection_has_sent_all(connection)) {
        watch_stall(connection);
    }
}

void connection_leave(struct connection *connection) {
    if (connection->state == CONNECTION_OPEN && connection->ops->leave != NULL) {
        connection->ops->leave(connection->protocol);
    }
}

double connection_first_request_seconds(const struct connection *connection) {
    double now = (double)event_loop_now(connection->server->loop);
    double left = LIMIT_FIRST_REQUEST_SECONDS - (now - (double)connection->opened) / 1000.0;
    return left > 0 ? left : 0;
}

void connection_shut_down(struct connection *connection) {
    timer_stop(&connection->stall);
    if (!connection_has_sent_all(connection)) {
        watch_stall(connection);
    }
    switch (connection->state) {
    case CONNECTION_OPENING: /* it was accepted and is in its handshake */
        connection_set_timeout(connection, connection_first_request_seconds(connection));
        break;
    case CONNECTION_OPEN:
        connection->ops->shutdown(connection->protocol);
        break;
    case CONNECTION_FINISHING:
        if (connection->lingers_since > connection->last_heard) {
            connection_close(
                connection); /* it has the answer, and sends nothing that could undo it */
        } else if (connection->lingers_since > 0) {
            linger(connection);
        }
        break;
    case CONNECTION_CLOSING:
        break;
    }
}

void connection_finish(struct connection *connection) {
    if (connection->state != CONNECTION_OPEN) {
        return;
    }
    connection->state = CONNECTION_FINISHING;
    timer_stop(&connection->timer);
    if (write_queue_flush_now(&connection->queue) != STATUS_OK) {
        connection_close(connection);
    } else if (connection_has_sent_all(connection)) {
        (void)stream_read_start(connection->stream);
        end_writing(connection);
    } else {
        (void)stream_read_start(connection->stream);
        watch_stall(connection);
    }
}

void connection_finish_upload(struct connection *connection) {
    connection->is_uploading = true;
    connection_finish(connection);
}

static bool begin_closing(struct connection *connection) {
    if (connection->state == CONNECTION_CLOSING) {
        return false;
    }
    connection->state = CONNECTION_CLOSING;
    timer_stop(&connection->timer);
    timer_stop(&connection->stall);
    return true;
}

void connection_close(struct connection *connection) {
    if (write_queue_is_torn(&connection->queue)) {
        connection_reset(connection);
    } else if (begin_closing(connection)) {
        stream_close(connection->stream);
    }
}

void connection_reset(struct connection *connection) {
    if (begin_closing(connection)) {
        stream_reset(connection->stream);
    }
}
