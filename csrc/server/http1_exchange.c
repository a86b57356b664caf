/* Answering on HTTP/1.x: the head with its framing, the body as the framing wants it, the end that
 * leads to the next request, and the tunnel behind an upgrade. Owns nothing of its own: it works on
 * the http1_connection whose exchange it is given. After a part that was the last, or an exchange
 * that ended, the next request may be there already. */
#include "server/http1_internal.h"

#include "base/limits.h"
#include "http/http1_writer.h"
#include "server/server.h"

/* The last byte of the response is queued: the next request, or the end. */
static void finish_response(struct http1_connection *http1) {
    struct connection *connection = http1->connection;
    exchange_end(&http1->exchange);
    if (!http1->keeps_alive || connection->has_ended) {
        if (http1_reads(http1, HTTP1_PARSER_BODY)) {
            connection_finish_upload(connection);
        } else {
            connection_finish(connection);
        }
        return;
    }
    bool was_paused = http1->is_paused;
    http1->is_paused = false;
    http1_set_phase(http1,
                    http1_reads(http1, HTTP1_PARSER_COMPLETE) ? HTTP1_IDLE : HTTP1_DISCARDING);
    if (!http1->is_parsing) {
        http1_go_on(http1);
    } else if (was_paused) { /* by the read that brought the end of the body, too */
        http1_update_reading(http1);
    }
}

/* Whether the next request can be found behind the body of this one, whoever reads that. It must be
 * said in the head of the response: a proxy that has sent the whole body takes a connection of
 * which nothing is said for one to send other people's requests on. A client that waits for 100
 * Continue may send its body or not. */
static bool can_skip_body(const struct http1_connection *http1) {
    return !http1->is_continue_owed &&
           (http1_reads(http1, HTTP1_PARSER_COMPLETE) ||
            (http1->body_remaining >= 0 && http1->body_remaining <= LIMIT_DISCARDED_BODY));
}

static void choose_framing(struct http1_connection *http1, const struct http_response_head *head,
                           const struct http_response_facts *facts, int64_t body_length,
                           struct http1_framing *framing) {
    int64_t length = facts->content_length >= 0 ? facts->content_length : body_length;
    bool is_bodyless =
        http1->is_head || head->status < 200 || head->status == 204 || head->status == 304;
    http1->response_remaining = length;
    framing->content_length = -1;
    if (is_bodyless) {
        http1->framing = FRAMING_NONE;
    } else if (length >= 0 && (!head->trailers || facts->content_length >= 0)) {
        http1->framing = FRAMING_LENGTH;
    } else if (http1->is_http10) {
        http1->framing = FRAMING_CLOSE;
        http1->keeps_alive = false;
    } else {
        http1->framing = FRAMING_CHUNKED;
        framing->chunked = true;
    }
    bool may_have_length = head->status >= 200 && head->status != 204 && head->status != 304;
    bool is_framed_by_it = http1->framing == FRAMING_LENGTH || (http1->is_head && length > 0);
    if (facts->content_length < 0 && length >= 0 && may_have_length && is_framed_by_it) {
        framing->content_length = length;
    }
}

static int write_head(struct http1_connection *http1, const struct http_response_head *head,
                      struct http1_framing *framing) {
    struct write_queue *queue = &http1->connection->queue;
    size_t bound = http1_head_bound(head, framing);
    char *out = NULL;
    int status = write_queue_extend(queue, bound, &out);
    if (status == STATUS_OK) {
        write_queue_trim(queue, bound - http1_write_head(out, head, framing));
    }
    return status;
}

/* What was queued, with this status, is on its way. */
static int finish_part(struct http1_connection *http1, int status, bool is_last) {
    if (status != STATUS_OK) {
        connection_close(http1->connection);
    } else if (is_last) {
        finish_response(http1);
    }
    return status;
}

/* Without framing, which is the final response's. HTTP/1.0 knows no 1xx (RFC 9110 section 15.2). */
static int inform(struct exchange *exchange, const struct http_response_head *head) {
    struct http1_connection *http1 = http1_of(exchange);
    if (!http1_is_usable(http1) || exchange->state == EXCHANGE_ENDED) {
        return STATUS_CLOSED;
    }
    if (exchange->state != EXCHANGE_WAITING) {
        return STATUS_STATE;
    }
    if (http1->is_http10) {
        return STATUS_OK;
    }
    struct http1_framing framing = {.version_minor = 1, .content_length = -1};
    int status = write_head(http1, head, &framing);
    return finish_part(
        http1, status == STATUS_OK ? write_queue_flush(&http1->connection->queue) : status, false);
}

static int respond(struct exchange *exchange, const struct http_response_head *head,
                   const struct http_response_facts *facts, int64_t body_length) {
    struct http1_connection *http1 = http1_of(exchange);
    struct server *server = http1->connection->server;
    if (exchange->state != EXCHANGE_WAITING) {
        return exchange->state == EXCHANGE_ENDED ? STATUS_CLOSED : STATUS_STATE;
    }
    if (!http1_is_usable(http1)) {
        return STATUS_CLOSED;
    }
    struct http1_framing framing = {.version_minor = http1->is_http10 ? 0 : 1};
    choose_framing(http1, head, facts, body_length, &framing);
    if (facts->closes || server->is_leaving || server->options.keep_alive_timeout == 0 ||
        !can_skip_body(http1)) {
        http1->keeps_alive = false;
    }
    if (head->status == 426) { /* must name what to upgrade to (RFC 9110 section 15.5.22) */
        framing.upgrade = SLICE_LITERAL("websocket");
    }
    framing.close = !http1->keeps_alive;
    framing.keep_alive = http1->keeps_alive && http1->is_http10;
    framing.date = facts->has_date ? SLICE_EMPTY : server_date(server);
    framing.server = facts->has_server ? SLICE_EMPTY : server->options.server_header;
    int status = write_head(http1, head, &framing);
    if (status != STATUS_OK) {
        return status;
    }
    exchange->state = EXCHANGE_RESPONDING;
    exchange->status = head->status;
    if (body_length == 0) {
        return exchange_send(exchange, SLICE_EMPTY, true);
    }
    return STATUS_OK;
}

/* Cuts the response in a way that the client can not take for its end. */
static void abort_exchange(struct exchange *exchange) {
    struct http1_connection *http1 = http1_of(exchange);
    http1->keeps_alive = false;
    if (!http1_is_usable(http1)) {
        return;
    }
    if (exchange->state != EXCHANGE_WAITING && http1->framing == FRAMING_CLOSE) {
        connection_reset(http1->connection);
    } else {
        connection_finish(http1->connection);
    }
}

/* Checks that `length` more bytes keep what the head said. */
static int account_body(struct http1_connection *http1, uint64_t length, bool is_last) {
    if (http1->framing != FRAMING_LENGTH) {
        return STATUS_OK;
    }
    if (length > (uint64_t)http1->response_remaining) {
        return STATUS_INVALID;
    }
    http1->response_remaining -= (int64_t)length;
    return is_last && http1->response_remaining > 0 ? STATUS_INVALID : STATUS_OK;
}

/* A part of the body: a range of a file, a frame (both taken), or else bytes. */
struct part {
    uint64_t length;
    struct slice bytes;
    struct frame *frame;
    struct file_range range;
};

static void drop_part(struct part *part) {
    frame_unref(part->frame);
    file_unref(part->range.file);
}

static int queue_part(struct write_queue *queue, struct part *part) {
    if (part->range.file != NULL) {
        const struct file_range *range = &part->range;
        return write_queue_push_file(queue, range->file, range->offset, range->length);
    }
    return part->frame != NULL ? write_queue_push(queue, part->frame)
                               : write_queue_append(queue, part->bytes);
}

/* Queues a part with what the framing puts around it. */
static int queue_body(struct http1_connection *http1, struct part *part, bool is_last) {
    struct write_queue *queue = &http1->connection->queue;
    if (http1->framing == FRAMING_NONE) {
        drop_part(part);
        return STATUS_OK;
    }
    int status = STATUS_OK;
    bool is_chunk = http1->framing == FRAMING_CHUNKED && part->length > 0;
    if (is_chunk) {
        char head[HTTP1_CHUNK_HEAD_MAX];
        status =
            write_queue_append(queue, slice_of(head, http1_write_chunk_head(head, part->length)));
    }
    if (status == STATUS_OK) {
        status = queue_part(queue, part);
    } else {
        drop_part(part);
    }
    if (status == STATUS_OK && is_chunk) {
        status = write_queue_append(queue, SLICE_LITERAL("\r\n"));
    }
    if (status == STATUS_OK && is_last && http1->framing == FRAMING_CHUNKED) {
        status = write_queue_append(queue, HTTP1_LAST_CHUNK);
    }
    return status;
}

/* Whether a part can follow: the states, and what the head has said. */
static int check_part(struct exchange *exchange, uint64_t length, bool is_last) {
    struct http1_connection *http1 = http1_of(exchange);
    if (!http1_is_usable(http1) || exchange->state == EXCHANGE_ENDED) {
        return STATUS_CLOSED;
    }
    if (exchange->state != EXCHANGE_RESPONDING && exchange->state != EXCHANGE_TUNNEL) {
        return STATUS_STATE;
    }
    int status = account_body(http1, length, is_last);
    if (status == STATUS_INVALID) {
        abort_exchange(exchange);
    }
    return status;
}

static int send_part(struct exchange *exchange, struct part part, bool is_last) {
    struct http1_connection *http1 = http1_of(exchange);
    int status = check_part(exchange, part.length, is_last);
    if (status != STATUS_OK) {
        drop_part(&part);
        return status;
    }
    if (http1->framing != FRAMING_NONE) {
        exchange->bytes_sent += (int64_t)part.length;
    }
    if (part.frame != NULL && exchange->state == EXCHANGE_TUNNEL) {
        status = write_queue_send(&http1->connection->queue, part.frame);
    } else {
        status = queue_body(http1, &part, is_last);
        if (status == STATUS_OK) {
            status = write_queue_flush(&http1->connection->queue);
        }
    }
    return finish_part(http1, status, is_last);
}

static int send_bytes(struct exchange *exchange, struct slice bytes, bool is_last) {
    return send_part(exchange, (struct part){.length = bytes.length, .bytes = bytes}, is_last);
}

static int send_frame(struct exchange *exchange, struct frame *frame, bool is_last) {
    return send_part(exchange, (struct part){.length = frame->length, .frame = frame}, is_last);
}

static int send_file(struct exchange *exchange, const struct file_range *range, bool is_last) {
    return send_part(exchange, (struct part){.length = range->length, .range = *range}, is_last);
}

static int send_trailers(struct exchange *exchange, const struct http_header *fields,
                         size_t count) {
    struct http1_connection *http1 = http1_of(exchange);
    struct write_queue *queue = &http1->connection->queue;
    int status = check_part(exchange, 0, true);
    if (status != STATUS_OK) {
        return status;
    }
    if (http1->framing == FRAMING_CHUNKED) {
        size_t bound = http1_trailers_bound(fields, count);
        char *out = NULL;
        status = write_queue_extend(queue, bound, &out);
        if (status == STATUS_OK) {
            write_queue_trim(queue, bound - http1_write_trailers(out, fields, count));
        }
    }
    return finish_part(http1, status == STATUS_OK ? write_queue_flush(queue) : status, true);
}

/* --- Tunnels and flow control --- */

static int queue_frame(struct exchange *exchange, struct frame *frame, bool may_be_dropped) {
    struct http1_connection *http1 = http1_of(exchange);
    if (!http1_is_usable(http1) || exchange->state != EXCHANGE_TUNNEL) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    exchange->bytes_sent += (int64_t)frame->length;
    struct write_queue *queue = &http1->connection->queue;
    int status =
        may_be_dropped ? write_queue_push_droppable(queue, frame) : write_queue_push(queue, frame);
    if (status == STATUS_OK) {
        write_queue_flush_later(queue);
    }
    return status;
}

static uint32_t drop_oldest(struct exchange *exchange, size_t bytes) {
    struct write_queue *queue = &http1_of(exchange)->connection->queue;
    size_t before = write_queue_size(queue);
    uint32_t dropped = write_queue_drop_oldest(queue, bytes);
    exchange->bytes_sent -= (int64_t)(before - write_queue_size(queue));
    return dropped;
}

static void flush(struct exchange *exchange) {
    connection_flush(http1_of(exchange)->connection);
}

static size_t queued(const struct exchange *exchange) {
    return write_queue_size(&http1_of(exchange)->connection->queue);
}

static uint64_t progress(const struct exchange *exchange) {
    return stream_progress(http1_of(exchange)->connection->stream);
}

static bool is_congested(struct exchange *exchange) {
    return connection_is_congested(http1_of(exchange)->connection);
}

static int open_tunnel(struct exchange *exchange, const struct http_response_head *head) {
    struct http1_connection *http1 = http1_of(exchange);
    struct server *server = http1->connection->server;
    if (exchange->state != EXCHANGE_WAITING || !http1_is_usable(http1)) {
        return http1_is_usable(http1) ? STATUS_STATE : STATUS_CLOSED;
    }
    struct http1_framing framing = {
        .version_minor = 1, .content_length = -1, .upgrade = SLICE_LITERAL("websocket")};
    framing.date = server_date(server);
    framing.server = server->options.server_header;
    int status = write_head(http1, head, &framing);
    if (status == STATUS_OK) {
        status = write_queue_flush(&http1->connection->queue);
    }
    if (status != STATUS_OK) {
        connection_close(http1->connection);
        return status;
    }
    exchange->state = EXCHANGE_TUNNEL;
    exchange->status = head->status;
    http1->framing = FRAMING_CLOSE;
    connection_set_timeout(http1->connection, -1);
    http1_parser_free(http1->parser);
    http1->parser = NULL;
    return STATUS_OK;
}

static void end_tunnel(struct exchange *exchange) {
    connection_finish(http1_of(exchange)->connection);
}

static void pause_exchange(struct exchange *exchange) {
    struct http1_connection *http1 = http1_of(exchange);
    http1->is_paused = true;
    http1_update_reading(http1);
}

static void resume_exchange(struct exchange *exchange) {
    struct http1_connection *http1 = http1_of(exchange);
    if (http1->is_continue_owed && exchange->state == EXCHANGE_WAITING && http1_is_usable(http1)) {
        http1->is_continue_owed = false;
        if (write_queue_append(&http1->connection->queue,
                               SLICE_LITERAL("HTTP/1.1 100 Continue\r\n\r\n")) == STATUS_OK) {
            (void)write_queue_flush(&http1->connection->queue);
        }
    }
    http1->is_paused = false;
    if (exchange->state == EXCHANGE_TUNNEL && http1->pending.length > 0 && !http1->is_parsing) {
        http1_go_on(http1);
    } else {
        http1_update_reading(http1);
    }
}

const struct exchange_ops http1_exchange_ops = {
    .inform = inform,
    .respond = respond,
    .send = send_bytes,
    .send_frame = send_frame,
    .send_file = send_file,
    .send_trailers = send_trailers,
    .queue_frame = queue_frame,
    .drop_oldest = drop_oldest,
    .flush = flush,
    .queued = queued,
    .progress = progress,
    .is_congested = is_congested,
    .open_tunnel = open_tunnel,
    .end_tunnel = end_tunnel,
    .pause = pause_exchange,
    .resume = resume_exchange,
    .abort = abort_exchange,
};
