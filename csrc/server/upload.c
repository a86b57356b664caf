/* The body of a request while it comes. Owned by its exchange, which outlives it; looks a few times
 * within --body-timeout, and never at the bytes. */
#include "server/upload.h"

#include "base/memory.h"
#include "net/timer.h"
#include "server/connection.h"
#include "server/exchange.h"
#include "server/server.h"

enum { LOOKS = 8 }; /* within the time */

struct upload {
    struct exchange *exchange; /* borrowed */
    struct timer timer;
    uint64_t received;
    uint64_t received_before; /* at the look before */
    double awaited;           /* seconds in which the application wanted it */
    double silent;            /* of these, those since the last byte */
};

static const struct server_options *options_of(const struct upload *upload) {
    return &upload->exchange->connection->server->options;
}

static void start_timer(struct upload *upload) {
    timer_start(upload->exchange->connection->server->loop, &upload->timer,
                options_of(upload)->body_timeout / LOOKS);
}

/* Silent for the time, or so far behind the rate that it would take the time to catch up. */
static bool is_late(const struct upload *upload) {
    const struct server_options *options = options_of(upload);
    double rate = (double)options->min_body_rate;
    double behind = rate > 0 ? upload->awaited - (double)upload->received / rate : 0;
    return upload->silent >= options->body_timeout || behind >= options->body_timeout;
}

/* Nobody waits for the rest. Application code runs. */
static void time_out(struct exchange *exchange) {
    upload_free(exchange->upload);
    exchange->upload = NULL;
    exchange->awaits_body = false;
    exchange_disconnect(exchange);
    if (exchange->state == EXCHANGE_WAITING) {
        exchange_answer(exchange, 408, SLICE_LITERAL("Request Timeout"), NULL);
    }
}

static void on_look(struct timer *timer) {
    struct upload *upload = LIST_OBJECT(timer, struct upload, timer);
    struct exchange *exchange = upload->exchange;
    double passed = options_of(upload)->body_timeout / LOOKS;
    bool has_come = upload->received != upload->received_before;
    upload->received_before = upload->received;
    if (exchange->state != EXCHANGE_WAITING || exchange->is_paused || has_come) {
        upload->silent = 0;
    } else {
        upload->silent += passed;
    }
    if (exchange->state == EXCHANGE_WAITING && !exchange->is_paused) {
        upload->awaited += passed;
        if (is_late(upload)) {
            time_out(exchange);
            return;
        }
    }
    start_timer(upload);
}

void upload_watch(struct exchange *exchange) {
    if (!exchange->awaits_body || exchange->upload != NULL ||
        exchange->connection->server->options.body_timeout < 0) {
        return;
    }
    struct upload *upload = memory_allocate_zeroed(sizeof(*upload));
    if (upload == NULL) {
        return; /* it may take its time */
    }
    upload->exchange = exchange;
    timer_init(&upload->timer, on_look);
    exchange->upload = upload;
    start_timer(upload);
}

void upload_add(struct upload *upload, size_t bytes) {
    upload->received += bytes;
}

void upload_free(struct upload *upload) {
    if (upload != NULL) {
        timer_stop(&upload->timer);
        memory_free(upload);
    }
}
