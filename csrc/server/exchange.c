/* What all exchanges have in common: beginning, notifying, ending, the access log, the client. Owns
 * what is remembered of a request from exchange_begin() to exchange_end(); the exchange itself is
 * its protocol's. Never looks at the framing of a version, nor at the socket. */
#include "server/exchange.h"

#include "base/counters.h"
#include "base/memory.h"
#include "http/header_rules.h"
#include "server/connection.h"
#include "server/forwarded.h"
#include "server/server.h"
#include "server/upload.h"

void exchange_answer(struct exchange *exchange, int status, struct slice text,
                     const struct http_header *header) {
    struct http_header headers[2] = {
        {SLICE_LITERAL("content-type"), SLICE_LITERAL("text/plain; charset=utf-8")}};
    if (header != NULL) {
        headers[1] = *header;
    }
    struct http_response_head head = {.status = status,
                                      .reason = SLICE_EMPTY,
                                      .headers = headers,
                                      .header_count = header != NULL ? 2 : 1};
    struct http_response_facts facts = {.content_length = -1};
    int result = exchange_respond(exchange, &head, &facts, (int64_t)text.length);
    if (result == STATUS_OK && text.length > 0) {
        (void)exchange_send(exchange, text, true);
    } else if (result == STATUS_NO_MEMORY) {
        exchange_abort(exchange);
    }
}

/* --- Whose request it is --- */

const struct address *exchange_client(const struct exchange *exchange) {
    const struct forwarded *forwarded = exchange->forwarded;
    bool is_known = forwarded != NULL && forwarded->client.family != ADDRESS_NONE;
    return is_known ? &forwarded->client : connection_peer(exchange->connection);
}

bool exchange_is_secure(const struct exchange *exchange) {
    const struct forwarded *forwarded = exchange->forwarded;
    if (forwarded != NULL && forwarded->scheme != FORWARDED_NO_SCHEME) {
        return forwarded->scheme == FORWARDED_SECURE;
    }
    return exchange->connection->stream->is_secure;
}

uint64_t exchange_connection_number(const struct exchange *exchange) {
    return exchange->connection->number;
}

struct slice exchange_forwarded_host(const struct exchange *exchange) {
    return exchange->forwarded != NULL ? exchange->forwarded->host : SLICE_EMPTY;
}

struct slice exchange_root_path(const struct exchange *exchange) {
    struct slice path = forwarded_root_path(exchange->request);
    return path.data != NULL && connection_is_trusted(exchange->connection) ? path
                                                                            : slice_of(NULL, 0);
}

/* --- Beginning and end --- */

/* Returns new, or NULL. */
static struct forwarded *forwarded_of(struct connection *connection,
                                      const struct http_request_head *head) {
    const struct server *server = connection->server;
    const struct forwarding *forwarding = &server->options.forwarding;
    bool is_on = forwarding->reads_forwarded || forwarding->address_header[0] != '\0';
    return is_on && connection_is_trusted(connection)
               ? forwarded_new(forwarding, &server->trusted, head)
               : NULL;
}

static bool has_te_trailers(const struct http_request_head *head) {
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (header->name.length == 2 && slice_equals(header->name, SLICE_LITERAL("te")) &&
            header_has_token(header->value, SLICE_LITERAL("trailers"))) {
            return true;
        }
    }
    return false;
}

void exchange_begin(struct exchange *exchange, const struct http_request_head *head) {
    struct connection *connection = exchange->connection;
    exchange->events = NULL;
    exchange->owner = NULL;
    exchange->request = head;
    exchange->state = EXCHANGE_WAITING;
    exchange->status = 0;
    exchange->bytes_sent = 0;
    exchange->is_counted = false;
    exchange->awaits_body = head->has_body;
    exchange->is_paused = head->expects_continue; /* until the application asks */
    exchange->takes_trailers = has_te_trailers(head);
    exchange->is_disconnected = false;
    exchange->forwarded = forwarded_of(connection, head);
    const struct access_log *log = &connection->server->access_log;
    if (access_log_is_on(log)) {
        exchange->access_request = access_log_remember(log, head);
    }
    counters_opened(COUNTER_exchanges);
    metrics_add(&connection->server->metrics, METRIC_requests, 1);
}

int exchange_offer(struct exchange *exchange) {
    struct server *server = exchange->connection->server;
    if (server->static_files.count > 0 && static_files_answer(&server->static_files, exchange)) {
        return STATUS_OK;
    }
    return server->application->on_request(server->owner, exchange);
}

static void log_response(struct exchange *exchange) {
    if (exchange->access_request == NULL || exchange->status == 0 ||
        exchange->state == EXCHANGE_TUNNEL) {
        return;
    }
    struct access_entry entry = {.event = ACCESS_RESPONSE,
                                 .peer = exchange_client(exchange),
                                 .request = exchange->access_request,
                                 .status = exchange->status,
                                 .size = exchange->bytes_sent > 0 ? exchange->bytes_sent : 0};
    access_log_add(&exchange->connection->server->access_log, &entry);
}

void exchange_end(struct exchange *exchange) {
    if (!exchange_is_active(exchange)) {
        return;
    }
    log_response(exchange);
    if (exchange->status >= 500) {
        metrics_add(&exchange->connection->server->metrics, METRIC_responses_failed, 1);
    }
    admission_end_request(exchange);
    upload_free(exchange->upload);
    exchange->upload = NULL;
    exchange->awaits_body = false;
    memory_free(exchange->access_request);
    exchange->access_request = NULL;
    memory_free(exchange->forwarded);
    exchange->forwarded = NULL;
    exchange->state = EXCHANGE_ENDED;
    const struct exchange_events *events = exchange->events;
    exchange->events = NULL;
    counters_closed(COUNTER_exchanges);
    if (events != NULL) {
        events->on_end(exchange->owner);
    }
}

/* --- Notifying --- */

bool exchange_deliver(struct exchange *exchange, struct slice bytes, bool is_last) {
    exchange->awaits_body &= !is_last;
    if (exchange->upload != NULL) {
        upload_add(exchange->upload, bytes.length);
        if (is_last) {
            upload_free(exchange->upload);
            exchange->upload = NULL;
        }
    }
    if (exchange->events == NULL) {
        return false;
    }
    exchange->last_heard = event_loop_now(exchange->connection->server->loop);
    exchange->events->on_body(exchange->owner, bytes, is_last);
    return true;
}

void exchange_make_ready(struct exchange *exchange) {
    upload_watch(exchange);
    if (exchange->events != NULL) {
        exchange->events->on_ready(exchange->owner);
    }
}

void exchange_drain(struct exchange *exchange) {
    if (exchange->events != NULL) {
        exchange->events->on_drain(exchange->owner);
    }
}

void exchange_shut_down(struct exchange *exchange) {
    if (exchange->events != NULL && exchange->events->on_shutdown != NULL) {
        exchange->events->on_shutdown(exchange->owner);
    }
}

void exchange_disconnect(struct exchange *exchange) {
    if (exchange_is_active(exchange) && !exchange->is_disconnected) {
        exchange->is_disconnected = true;
        if (exchange->events != NULL) {
            exchange->events->on_disconnect(exchange->owner);
        }
    }
}
