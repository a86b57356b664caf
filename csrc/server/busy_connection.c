/* A connection that is not let in. The protocol is the connection itself: there is nothing to own.
 * It answers when the first bytes have come, since clients do not expect an answer before they have
 * asked, and does not wait for them long. */
#include "server/busy_connection.h"

#include <stdio.h>

#include "base/limits.h"
#include "server/admission.h"
#include "server/server.h"

static const char TEXT[] = "Service Unavailable\n";

/* Of HTTP/2: our SETTINGS, which have to come first, and a GOAWAY that says that no stream was
 * served, so that the client may ask elsewhere (RFC 9113 section 6.8). */
static const char GOAWAY[] = "\0\0\0\4\0\0\0\0\0"
                             "\0\0\10\7\0\0\0\0\0"
                             "\0\0\0\0\0\0\0\0";

static void *begin(struct connection *connection) {
    connection_set_timeout(connection, LIMIT_REFUSED_SECONDS);
    return connection;
}

static struct slice http1_answer(struct connection *connection, struct slice asked, char *room,
                                 size_t length) {
    unsigned seconds = admission_refuse(connection, connection->refusal);
    bool is_head = slice_starts_with(asked, SLICE_LITERAL("HEAD "));
    int written = snprintf(room, length,
                           "HTTP/1.1 503 Service Unavailable\r\n"
                           "content-type: text/plain; charset=utf-8\r\n"
                           "content-length: %zu\r\n"
                           "retry-after: %u\r\n"
                           "connection: close\r\n\r\n%s",
                           sizeof(TEXT) - 1, seconds, is_head ? "" : TEXT);
    return slice_of(room, (size_t)written);
}

static void on_bytes(void *protocol, struct slice bytes) {
    struct connection *connection = protocol;
    char room[256];
    struct slice answer;
    /* The preface of HTTP/2, whoever said that it would be spoken. */
    if (slice_starts_with(bytes, SLICE_LITERAL("PRI "))) {
        (void)admission_refuse(connection, connection->refusal);
        answer = slice_of(GOAWAY, sizeof(GOAWAY) - 1);
    } else {
        answer = http1_answer(connection, bytes, room, sizeof(room));
    }
    if (write_queue_append(&connection->queue, answer) == STATUS_OK) {
        connection_finish(connection);
    } else {
        connection_close(connection);
    }
}

static void on_read_end(void *protocol, int status) {
    (void)status;
    connection_close(protocol);
}

static void on_nothing(void *protocol) {
    (void)protocol;
}

static void close_now(void *protocol) {
    connection_close(protocol);
}

/* Whoever has just come is about to ask. */
static void shut_down(void *protocol) {
    connection_set_timeout(protocol, connection_first_request_seconds(protocol));
}

const struct protocol_ops busy_connection_ops = {.name = "http/1.1",
                                                 .begin = begin,
                                                 .on_bytes = on_bytes,
                                                 .on_read_end = on_read_end,
                                                 .on_drain = on_nothing,
                                                 .on_timeout = close_now,
                                                 .shutdown = shut_down,
                                                 .on_closed = on_nothing};
