/* The connection of a process. Owns stream, topics and what is half-way; tries again for ever. What
 * it sends is in hub_client_requests.c. */
#include "hub/hub_client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/memory.h"
#include "hub/hub_client_requests.h"
#include "hub/hub_socket.h"
#include "net/socket_stream.h"

static void retry(struct timer *timer);
static void on_silence(struct timer *timer);
static void go_on_reading(struct deferred *deferred);

void hub_client_init(struct hub_client *client, struct event_loop *loop, const char *path,
                     struct slice project, const struct hub_client_events *events, void *owner) {
    *client = (struct hub_client){.loop = loop,
                                  .events = events,
                                  .owner = owner,
                                  .path = slice_of(path, strlen(path)),
                                  .project = project,
                                  .next_retry = LIMIT_HUB_RETRY_SECONDS,
                                  .most_silence = LIMIT_HUB_SILENCE_SECONDS};
    uint64_t seed = (uintptr_t)client;
    (void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
    table_init(&client->topics, seed);
    hub_assembly_init(&client->assembly);
    timer_init(&client->retry, retry);
    timer_init(&client->silence, on_silence);
    deferred_init(&client->reading, go_on_reading);
    deferred_init(&client->writing, hub_client_on_rest);
}

/* --- Going down --- */

static void set_reason(struct hub_client *client, const char *reason) {
    (void)snprintf(client->reason, sizeof(client->reason), "%s", reason);
}

static void retry_later(struct hub_client *client) {
    timer_start(client->loop, &client->retry, client->next_retry);
    double doubled = client->next_retry * 2;
    client->next_retry =
        doubled < LIMIT_HUB_RETRY_MOST_SECONDS ? doubled : LIMIT_HUB_RETRY_MOST_SECONDS;
}

/* Nothing that was to be done later is done. */
static void cancel_all(struct hub_client *client) {
    timer_stop(&client->retry);
    timer_stop(&client->silence);
    deferred_cancel(&client->reading);
    deferred_cancel(&client->writing);
}

static void go_down(struct hub_client *client) {
    if (client->state == HUB_CLIENT_DOWN || client->state == HUB_CLIENT_CLOSED) {
        return;
    }
    client->state = HUB_CLIENT_DOWN;
    client->is_held = false;
    cancel_all(client);
    stream_close(client->stream);
    retry_later(client);
    client->wanted = 0;
    client->events->on_down(client->owner);
    client->events->on_acked(client->owner);
}

static void retry(struct timer *timer) {
    struct hub_client *client = LIST_OBJECT(timer, struct hub_client, retry);
    (void)hub_client_connect(client);
}

/* Much may come before an answer, and be waited for here: a hub that says anything lives. A loop
 * that was busy finds the answers with its next looks at the sockets. */
static void on_silence(struct timer *timer) {
    struct hub_client *client = LIST_OBJECT(timer, struct hub_client, silence);
    double quiet =
        client->is_held ? 0 : (double)(event_loop_now(client->loop) - client->read_at) / 1000;
    if (quiet < client->most_silence) {
        client->is_suspect = false;
        timer_start(client->loop, timer, client->most_silence - quiet);
        return;
    }
    if (client->is_suspect) {
        set_reason(client, "it does not answer");
        go_down(client);
        return;
    }
    client->is_suspect = true;
    timer_start(client->loop, timer, LIMIT_HUB_SUSPECT_SECONDS);
}

void hub_client_expect_answer(struct hub_client *client) {
    if (!timer_is_running(&client->silence)) {
        client->is_suspect = false;
        timer_start(client->loop, &client->silence, client->most_silence);
    }
}

/* --- What the hub says --- */

static int on_welcome(struct hub_client *client, const struct hub_frame *frame) {
    (void)frame;
    bool again = client->was_up;
    client->state = HUB_CLIENT_UP;
    client->was_up = true;
    client->reason[0] = '\0';
    client->next_retry = LIMIT_HUB_RETRY_SECONDS;
    client->events->on_up(client->owner, again);
    return STATUS_OK;
}

static int on_refused(struct hub_client *client, const struct hub_frame *frame) {
    (void)snprintf(client->reason, sizeof(client->reason), "%.*s", (int)frame->payload.length,
                   frame->payload.data);
    return STATUS_PROTOCOL;
}

static int on_ack(struct hub_client *client, const struct hub_frame *frame) {
    if (frame->payload.length != 8) {
        return STATUS_PROTOCOL;
    }
    client->acked += (uint32_t)(frame->number - (uint32_t)(client->acked - client->first));
    client->acked_bytes = hub_wire_read(frame->payload.data, 8);
    client->heard_at = event_loop_now(client->loop);
    if (client->probe > 0 && client->acked >= client->probe) {
        client->lived_at = client->probed_at;
        client->probe = 0;
    }
    timer_stop(&client->silence);
    if (client->acked != client->sent) {
        hub_client_expect_answer(client);
    }
    if (client->announced_at > 0 && client->acked >= client->announced_at) {
        client->announced_at = 0;
        client->events->on_gap(client->owner);
    }
    if (client->wanted > 0 && client->acked >= client->wanted) {
        client->wanted = 0;
        client->events->on_acked(client->owner);
    }
    return STATUS_OK;
}

static int on_message(struct hub_client *client, const struct hub_frame *frame) {
    struct slice payload;
    int status = hub_assembly_add(&client->assembly, frame, &payload);
    if (status != STATUS_OK) {
        return status == STATUS_STATE ? STATUS_OK : status;
    }
    bool goes_on = frame->kind == HUB_DELIVER
                       ? client->events->on_deliver(client->owner, frame->name, payload)
                       : client->events->on_message(client->owner, frame->name, payload);
    client->is_held = !goes_on;
    return goes_on ? STATUS_OK : STATUS_STATE;
}

static int on_failed(struct hub_client *client, const struct hub_frame *frame) {
    uint64_t number =
        client->acked + (uint32_t)(frame->number - (uint32_t)(client->acked - client->first));
    client->events->on_failed(client->owner, number, frame->flags);
    return STATUS_OK;
}

static int on_gap(struct hub_client *client, const struct hub_frame *frame) {
    (void)frame;
    hub_assembly_clear(&client->assembly);
    client->events->on_gap(client->owner);
    return STATUS_OK;
}

static int on_gone(struct hub_client *client, const struct hub_frame *frame) {
    hub_assembly_forget(&client->assembly, frame->number);
    return STATUS_OK;
}

static int (*const answers[])(struct hub_client *client, const struct hub_frame *frame) = {
    [HUB_WELCOME] = on_welcome, [HUB_REFUSED] = on_refused, [HUB_ACK] = on_ack,
    [HUB_DELIVER] = on_message, [HUB_MESSAGE] = on_message, [HUB_FAILED] = on_failed,
    [HUB_GAP] = on_gap,         [HUB_GONE] = on_gone,
};

/* An event may have taken the connection down: what follows is of no interest. */
static int on_frame(void *owner, const struct hub_frame *frame) {
    struct hub_client *client = owner;
    bool is_known = frame->kind < sizeof(answers) / sizeof(answers[0]);
    if (!is_known || answers[frame->kind] == NULL) {
        return STATUS_PROTOCOL;
    }
    int status = answers[frame->kind](client, frame);
    bool is_over = client->state == HUB_CLIENT_DOWN || client->state == HUB_CLIENT_CLOSED;
    return status == STATUS_OK && is_over ? STATUS_CLOSED : status;
}

/* --- The stream --- */

static void feed(struct hub_client *client, struct slice bytes) {
    int status = hub_decoder_feed(&client->decoder, bytes, on_frame, client);
    if (status == STATUS_STATE && client->is_held) {
        stream_read_stop(client->stream);
    } else if (status != STATUS_OK && status != STATUS_CLOSED) {
        if (client->reason[0] == '\0') {
            set_reason(client, "it says what is not understood");
        }
        go_down(client);
    }
}

static void on_read(void *owner, struct slice bytes) {
    struct hub_client *client = owner;
    client->read_at = event_loop_now(client->loop);
    feed(client, bytes);
}

static void go_on_reading(struct deferred *deferred) {
    struct hub_client *client = LIST_OBJECT(deferred, struct hub_client, reading);
    event_loop_wake(client->loop);
    feed(client, SLICE_EMPTY);
    bool is_open = client->state == HUB_CLIENT_UP || client->state == HUB_CLIENT_GREETING;
    if (is_open && !client->is_held) {
        (void)stream_read_start(client->stream);
    }
}

void hub_client_resume(struct hub_client *client) {
    if (client->is_held) {
        client->is_held = false;
        event_loop_defer(client->loop, &client->reading);
    }
}

static void on_read_end(void *owner, int status) {
    struct hub_client *client = owner;
    (void)status;
    if (client->reason[0] == '\0') {
        set_reason(client, "it has ended");
    }
    go_down(client);
}

/* A connection that takes no more ends with its reading: the hub may have said why. */
static void on_written(void *owner, int status) {
    struct hub_client *client = owner;
    (void)write_queue_on_written(&client->queue, status);
}

static void on_closed(void *owner) {
    struct hub_client *client = owner;
    client->stream = NULL;
    write_queue_release(&client->queue);
    hub_decoder_release(&client->decoder);
    hub_assembly_clear(&client->assembly);
}

static void on_open(void *owner) {
    (void)owner;
}

static const struct stream_events stream_events = {
    .on_open = on_open,
    .on_read = on_read,
    .on_read_end = on_read_end,
    .on_written = on_written,
    .on_closed = on_closed,
};

/* --- Going up --- */

static const char *text_of(int error) {
    switch (-error) {
    case ENOENT:
        return "there is no hub: nothing is at the path";
    case ECONNREFUSED:
        return "there is no hub: nobody listens";
    case EAGAIN:
        return "it is full, or does not answer: it accepts no connection";
    case EACCES:
    case EPERM:
        return "permission denied: the user of this process may not open it; --hub-mode and "
               "--hub-owner of the server that runs it say who may";
    case ENAMETOOLONG:
        return "the path is too long for a unix socket";
    default:
        return strerror(-error);
    }
}

static int fail(struct hub_client *client, const char *reason) {
    set_reason(client, reason);
    retry_later(client);
    return STATUS_SYSTEM;
}

int hub_client_connect(struct hub_client *client) {
    if (client->state != HUB_CLIENT_DOWN) {
        return client->state == HUB_CLIENT_CLOSED ? STATUS_SYSTEM : STATUS_OK;
    }
    if (client->stream != NULL) { /* the connection before is not closed yet */
        retry_later(client);
        return STATUS_SYSTEM;
    }
    int descriptor = hub_socket_connect(client->path.data);
    if (descriptor < 0) {
        return fail(client, text_of(descriptor));
    }
    client->stream = socket_stream_new(client->loop, AF_UNIX, descriptor);
    if (client->stream == NULL) {
        return fail(client, "there is no memory");
    }
    timer_stop(&client->retry);
    stream_attach(client->stream, &stream_events, client);
    write_queue_init(&client->queue, client->stream);
    client->state = HUB_CLIENT_GREETING;
    client->reason[0] = '\0';
    client->first = client->acked = client->sent;
    client->sent_bytes = client->acked_bytes = 0;
    client->probe = client->lived_at = 0;
    stream_open(client->stream);
    hub_client_say_hello(client);
    hub_client_write(client);
    if (stream_read_start(client->stream) != STATUS_OK) {
        set_reason(client, "it cannot be read");
        go_down(client);
        return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

/* --- The end --- */

void hub_client_close(struct hub_client *client) {
    if (client->state == HUB_CLIENT_CLOSED) {
        return;
    }
    client->state = HUB_CLIENT_CLOSED;
    set_reason(client, "the connection is closed");
    cancel_all(client);
    hub_client_write(client);
    if (client->stream != NULL) {
        stream_close(client->stream);
    }
    client->wanted = 0;
    client->events->on_acked(client->owner);
}

bool hub_client_is_closed(const struct hub_client *client) {
    return client->state == HUB_CLIENT_CLOSED && client->stream == NULL;
}

void hub_client_leave_to_parent(struct hub_client *client) {
    client->state = HUB_CLIENT_CLOSED;
    cancel_all(client);
}

void hub_client_release(struct hub_client *client) {
    hub_client_forget_topics(client);
}
