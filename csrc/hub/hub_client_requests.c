/* What a client asks of the hub, and the topics that it has announced, which it owns. */
#include "hub/hub_client_requests.h"

#include "base/limits.h"
#include "base/memory.h"

struct announced {
    struct table_entry entry;
    char name[]; /* what entry.name points at */
};

/* --- Sending --- */

static int push(void *context, struct frame *frame) {
    struct hub_client *client = context;
    size_t length = frame->length;
    int status = write_queue_push(&client->queue, frame);
    if (status == STATUS_OK) {
        client->sent++;
        client->sent_bytes += length;
    }
    return status;
}

/* Each time that the hub is woken costs it, and those who are told, more than the message does. */
static void write_soon(struct hub_client *client) {
    if (event_loop_rests(client->loop) && write_queue_size(&client->queue) <= LIMIT_HUB_CHUNK) {
        event_loop_defer_to_rest(client->loop, &client->writing);
    } else {
        (void)write_queue_flush(&client->queue);
    }
}

void hub_client_on_rest(struct deferred *writing) {
    struct hub_client *client = LIST_OBJECT(writing, struct hub_client, writing);
    if (client->stream != NULL) {
        (void)write_queue_flush_now(&client->queue);
    }
}

void hub_client_write(struct hub_client *client) {
    deferred_cancel(&client->writing);
    hub_client_on_rest(&client->writing);
}

static bool is_within_window(const struct hub_client *client) {
    return client->sent_bytes - client->acked_bytes <= LIMIT_HUB_WINDOW;
}

bool hub_client_has_credit(const struct hub_client *client) {
    bool is_open = client->state == HUB_CLIENT_GREETING || client->state == HUB_CLIENT_UP;
    /* A connection that has failed closes in a later turn. */
    return is_open && client->queue.failure == STATUS_OK && is_within_window(client);
}

/* The peer that takes no more is noticed by its silence, or its end. */
static int transmit(struct hub_client *client, const struct hub_frame *frame, uint64_t *number) {
    int status = hub_wire_encode_message(frame, push, client);
    if (status == STATUS_NO_MEMORY) {
        return status;
    }
    if (client->probe == 0) {
        client->probe = client->sent;
        client->probed_at = event_loop_now(client->loop);
    }
    hub_client_expect_answer(client);
    write_soon(client);
    *number = client->sent;
    return status < 0 ? STATUS_SYSTEM : STATUS_OK;
}

/* Checks the size, and connects. */
static int prepare(struct hub_client *client, const struct hub_frame *frame) {
    bool is_too_large = frame->name.length > LIMIT_HUB_NAME ||
                        frame->payload.length > LIMIT_HUB_MESSAGE + HUB_SEND_PREFIX;
    return is_too_large ? STATUS_TOO_LARGE : hub_client_connect(client);
}

static int request(struct hub_client *client, const struct hub_frame *frame, uint64_t *number) {
    int status = prepare(client, frame);
    if (status != STATUS_OK) {
        return status;
    }
    return is_within_window(client) ? transmit(client, frame, number) : STATUS_STATE;
}

int hub_client_publish(struct hub_client *client, struct slice topic, struct slice payload,
                       bool wants_receiver, uint64_t *number) {
    struct hub_frame frame = {.kind = HUB_PUBLISH,
                              .flags = wants_receiver ? HUB_WANTS_RECEIVER : 0,
                              .name = topic,
                              .payload = payload};
    return request(client, &frame, number);
}

/* Sends a request with these numbers in front of its payload. */
static int request_with(struct hub_client *client, struct hub_frame *frame, const uint32_t *numbers,
                        unsigned count, uint64_t *number) {
    struct buffer bytes = BUFFER_EMPTY;
    int status = buffer_reserve(&bytes, 4 * count + frame->payload.length);
    if (status != STATUS_OK) {
        return status;
    }
    for (unsigned i = 0; i < count; i++) {
        hub_wire_write(bytes.data + 4 * i, numbers[i], 4);
    }
    bytes.length = 4 * count;
    (void)buffer_append(&bytes, frame->payload);
    frame->payload = buffer_slice(&bytes);
    status = request(client, frame, number);
    buffer_release(&bytes);
    return status;
}

int hub_client_send(struct hub_client *client, struct slice channel, struct slice payload,
                    uint32_t capacity, uint32_t milliseconds, bool is_noted, uint64_t *number) {
    struct hub_frame frame = {
        .kind = HUB_SEND, .flags = is_noted ? HUB_NOTED : 0, .name = channel, .payload = payload};
    return request_with(client, &frame, (uint32_t[]){capacity, milliseconds}, 2, number);
}

int hub_client_join(struct hub_client *client, struct slice topic, struct slice channel,
                    const uint32_t limits[3], uint64_t *number) {
    if (channel.length > LIMIT_HUB_CHUNK - HUB_JOIN_PREFIX) { /* a JOIN is one frame */
        return STATUS_TOO_LARGE;
    }
    struct hub_frame frame = {.kind = HUB_JOIN, .name = topic, .payload = channel};
    return request_with(client, &frame, limits, 3, number);
}

int hub_client_leave(struct hub_client *client, struct slice topic, struct slice channel,
                     uint64_t *number) {
    if (channel.length > LIMIT_HUB_NAME) {
        return STATUS_TOO_LARGE;
    }
    struct hub_frame frame = {.kind = HUB_LEAVE, .name = topic, .payload = channel};
    return request(client, &frame, number);
}

/* What asks for messages does not wait for credit: who has none may have to hear first. */
static int ask(struct hub_client *client, enum hub_kind kind, struct slice name, uint64_t *number) {
    struct hub_frame frame = {.kind = (uint8_t)kind, .name = name, .payload = SLICE_EMPTY};
    int status = prepare(client, &frame);
    return status == STATUS_OK ? transmit(client, &frame, number) : status;
}

int hub_client_receive(struct hub_client *client, struct slice channel, uint64_t *number) {
    return ask(client, HUB_RECEIVE, channel, number);
}

int hub_client_abandon(struct hub_client *client, struct slice channel, uint64_t *number) {
    return ask(client, HUB_ABANDON, channel, number);
}

int hub_client_flush(struct hub_client *client, struct slice beginning, uint64_t *number) {
    struct hub_frame frame = {.kind = HUB_FLUSH, .name = beginning, .payload = SLICE_EMPTY};
    return request(client, &frame, number);
}

/* --- Topics --- */

static struct announced *find(struct hub_client *client, struct slice topic) {
    struct table_entry *entry = table_find(&client->topics, topic);
    return entry == NULL ? NULL : TABLE_OBJECT(entry, struct announced, entry);
}

static int remember(struct hub_client *client, struct slice topic) {
    struct announced *announced = memory_allocate_zeroed(sizeof(*announced) + topic.length);
    if (announced == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(announced->name, topic.data, topic.length);
    announced->entry.name = slice_of(announced->name, topic.length);
    if (table_put(&client->topics, &announced->entry) != STATUS_OK) {
        memory_free(announced);
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

/* Topics do not wait for credit: each takes as much of it as its name. */
static int transmit_topic(struct hub_client *client, enum hub_kind kind, struct slice topic,
                          uint64_t *number) {
    struct hub_frame frame = {.kind = (uint8_t)kind, .name = topic, .payload = SLICE_EMPTY};
    return transmit(client, &frame, number);
}

int hub_client_announce(struct hub_client *client, struct slice topic, uint64_t *number) {
    *number = client->sent;
    if (topic.length > LIMIT_HUB_NAME) {
        return STATUS_TOO_LARGE;
    }
    if (find(client, topic) != NULL) {
        return STATUS_OK;
    }
    int status = hub_client_connect(client);
    if (remember(client, topic) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    return status == STATUS_OK ? transmit_topic(client, HUB_ANNOUNCE, topic, number) : status;
}

static void forget(struct hub_client *client, struct announced *announced) {
    table_remove(&client->topics, &announced->entry);
    memory_free(announced);
}

int hub_client_withdraw(struct hub_client *client, struct slice topic, uint64_t *number) {
    struct announced *announced = find(client, topic);
    *number = client->sent;
    if (announced == NULL) {
        return STATUS_OK;
    }
    bool is_announced = client->state == HUB_CLIENT_GREETING || client->state == HUB_CLIENT_UP;
    int status = is_announced ? transmit_topic(client, HUB_WITHDRAW, topic, number) : STATUS_OK;
    forget(client, announced);
    return status;
}

void hub_client_say_hello(struct hub_client *client) {
    struct hub_frame hello = {
        .kind = HUB_HELLO, .number = HUB_VERSION, .name = client->project, .payload = SLICE_EMPTY};
    uint64_t number;
    (void)transmit(client, &hello, &number);
    for (size_t i = 0; i < client->topics.bucket_count; i++) {
        const struct table_entry *entry = client->topics.buckets[i];
        for (; entry != NULL; entry = entry->next) {
            (void)transmit_topic(client, HUB_ANNOUNCE, entry->name, &number);
        }
    }
    client->announced_at = client->was_up ? client->sent : 0;
}

void hub_client_forget_topics(struct hub_client *client) {
    for (size_t i = 0; i < client->topics.bucket_count; i++) {
        while (client->topics.buckets[i] != NULL) {
            forget(client, TABLE_OBJECT(client->topics.buckets[i], struct announced, entry));
        }
    }
    table_release(&client->topics);
}

static bool is_lately(const struct hub_client *client, uint64_t when) {
    uint64_t age = event_loop_now(client->loop) - when;
    return client->state == HUB_CLIENT_UP && (double)age <= LIMIT_HUB_TRUST_SECONDS * 1000;
}

bool hub_client_is_trusted(const struct hub_client *client) {
    return client->acked > client->first && is_lately(client, client->heard_at);
}

bool hub_client_is_trusted_unread(struct hub_client *client) {
    event_loop_update_time(client->loop);
    bool is_sent = client->queue.failure == STATUS_OK && write_queue_size(&client->queue) == 0;
    return is_sent && is_lately(client, client->lived_at);
}
