/* Queues by name. Owns channels, messages and asks; an ask stands in its channel's list, in the
 * order of asking, and in that of whoever asks. */
#include "hub/hub_channels.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/status.h"

struct channel {
    struct hub_member member;         /* first */
    struct hub_channel_limits limits; /* of the last join */
    struct table_entry entry;
    struct list messages;
    struct list asks;
    size_t count; /* messages */
    char name[];  /* what entry.name points at */
};

/* One that is noted, and lost, becomes a note: empty, and never expires. */
struct message {
    struct list link;
    uint64_t expires;
    size_t length;
    bool is_noted;
    char bytes[];
};

#define NEVER UINT64_MAX

struct ask {
    struct list of_channel;
    struct list of_owner;
    struct channel *channel;
    struct list *owner;
};

void hub_channels_init(struct hub_channels *channels, struct groups *topics,
                       struct hub_metrics *metrics,
                       int (*give)(struct list *asks, struct slice channel, struct slice message)) {
    table_init(&channels->channels, topics->groups.seed);
    channels->topics = topics;
    channels->member_count = 0;
    channels->names = channels->messages = 0;
    channels->metrics = metrics;
    channels->give = give;
}

/* --- Channels --- */

static struct channel *find(struct hub_channels *channels, struct slice name) {
    struct table_entry *entry = table_find(&channels->channels, name);
    return entry == NULL ? NULL : TABLE_OBJECT(entry, struct channel, entry);
}

static size_t size_of_channel(struct slice name) {
    return sizeof(struct channel) + name.length;
}

static bool has_room(size_t held, size_t bytes) {
    return held + bytes <= LIMIT_HUB_WAITING;
}

/* Returns the channel, which is made if need be, or NULL without memory. */
static struct channel *open_channel(struct hub_channels *channels, struct slice name) {
    struct channel *channel = find(channels, name);
    if (channel != NULL) {
        return channel;
    }
    channel = memory_allocate_zeroed(size_of_channel(name));
    if (channel == NULL) {
        return NULL;
    }
    memcpy(channel->name, name.data, name.length);
    channel->entry.name = slice_of(channel->name, name.length);
    list_init(&channel->messages);
    list_init(&channel->asks);
    member_init(&channel->member.member, 0);
    channel->member.is_channel = true;
    if (table_put(&channels->channels, &channel->entry) != STATUS_OK) {
        memory_free(channel);
        return NULL;
    }
    channels->names += size_of_channel(name);
    return channel;
}

/* The same for who asks or joins. Messages have a bound of their own: who is to take them away is
 * not kept out by them. */
static struct channel *open_within_bounds(struct hub_channels *channels, struct slice name) {
    struct channel *channel = find(channels, name);
    bool may_be_made = has_room(channels->names, size_of_channel(name));
    return channel != NULL || !may_be_made ? channel : open_channel(channels, name);
}

static bool is_in_topic(const struct channel *channel) {
    return channel->member.member.count > 0;
}

static void leave_topics(struct hub_channels *channels, struct channel *channel) {
    channels->member_count -= is_in_topic(channel);
    groups_leave_all(channels->topics, &channel->member.member);
}

static void free_if_empty(struct hub_channels *channels, struct channel *channel) {
    if (channel->count == 0 && list_is_empty(&channel->asks) && !is_in_topic(channel)) {
        table_remove(&channels->channels, &channel->entry);
        channels->names -= size_of_channel(channel->entry.name);
        memory_free(channel);
    }
}

/* --- Messages --- */

static struct message *first_message(const struct channel *channel) {
    return LIST_OBJECT(channel->messages.next, struct message, link);
}

static bool is_note(const struct message *message) {
    return message->expires == NEVER;
}

static void count(struct hub_channels *channels, struct channel *channel, size_t length,
                  int change) {
    channel->count += (size_t)change;
    channels->messages += (size_t)change * (sizeof(struct message) + length);
    hub_metrics_add(channels->metrics, HUB_METRIC_waiting, change);
    hub_metrics_add(channels->metrics, HUB_METRIC_waiting_bytes, change * (int64_t)length);
}

static void drop(struct hub_channels *channels, struct channel *channel, struct message *message) {
    list_remove(&message->link);
    count(channels, channel, message->length, -1);
    memory_free(message);
}

static void drop_first(struct hub_channels *channels, struct channel *channel) {
    drop(channels, channel, first_message(channel));
}

/* Puts a message behind the others. */
static int append(struct hub_channels *channels, struct channel *channel, struct slice bytes,
                  uint64_t expires, bool is_noted) {
    struct message *message = memory_allocate(sizeof(*message) + bytes.length);
    if (message == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (bytes.length > 0) {
        memcpy(message->bytes, bytes.data, bytes.length);
    }
    message->length = bytes.length;
    message->expires = expires;
    message->is_noted = is_noted;
    list_append(&channel->messages, &message->link);
    count(channels, channel, bytes.length, 1);
    return STATUS_OK;
}

/* The message leaves a note in its place, unless one stands before it. */
static void turn_into_note(struct hub_channels *channels, struct channel *channel,
                           struct message *message) {
    if (is_note(first_message(channel))) {
        drop(channels, channel, message);
        return;
    }
    count(channels, channel, message->length, -1);
    list_remove(&message->link);
    struct message *shrunk = memory_resize(message, sizeof(*message));
    message = shrunk == NULL ? message : shrunk;
    message->length = 0;
    message->expires = NEVER;
    list_prepend(&channel->messages, &message->link);
    count(channels, channel, 0, 1);
}

/* Returns the first message, or the one behind a note, or NULL. */
static struct message *oldest(const struct channel *channel) {
    struct list *link = channel->messages.next;
    if (channel->count > 0 && is_note(first_message(channel))) {
        link = link->next;
    }
    return link == &channel->messages ? NULL : LIST_OBJECT(link, struct message, link);
}

static void drop_expired(struct hub_channels *channels, struct channel *channel, uint64_t now) {
    struct message *message;
    while ((message = oldest(channel)) != NULL) {
        if (message->expires <= now) {
            hub_metrics_add(channels->metrics, HUB_METRIC_expired, 1);
            leave_topics(channels, channel);
        } else if (!is_note(message) || message == first_message(channel)) {
            return;
        }
        if (message->is_noted) {
            turn_into_note(channels, channel, message);
        } else {
            drop(channels, channel, message);
        }
    }
}

static int keep(struct hub_channels *channels, struct channel *channel, struct slice bytes,
                uint64_t expires, bool is_noted) {
    return has_room(channels->names, 0) &&
                   has_room(channels->messages, sizeof(struct message) + bytes.length)
               ? append(channels, channel, bytes, expires, is_noted)
               : STATUS_STATE;
}

/* There was no room for a message that is noted. */
static int note_loss(struct hub_channels *channels, struct channel *channel) {
    struct message *last = LIST_OBJECT(channel->messages.previous, struct message, link);
    if (channel->count > 0 && is_note(last)) {
        return STATUS_OK;
    }
    return append(channels, channel, slice_of(NULL, 0), NEVER, true);
}

/* --- Who asks --- */

static void end_ask(struct ask *ask) {
    list_remove(&ask->of_channel);
    list_remove(&ask->of_owner);
    memory_free(ask);
}

/* Gives the message to who asks; whoever has to read first goes on asking. */
static int give_to(struct hub_channels *channels, struct ask *ask, struct slice message) {
    int status = channels->give(ask->owner, ask->channel->entry.name, message);
    if (status != STATUS_STATE) {
        end_ask(ask);
    }
    hub_metrics_add(channels->metrics, HUB_METRIC_received, status == STATUS_OK);
    return status;
}

/* Gives the message to the first who takes it. Returns false when there is none. */
static bool give(struct hub_channels *channels, struct channel *channel, struct slice message) {
    struct list *link = channel->asks.next;
    while (link != &channel->asks) {
        struct ask *ask = LIST_OBJECT(link, struct ask, of_channel);
        link = link->next;
        if (give_to(channels, ask, message) == STATUS_OK) {
            return true;
        }
    }
    return false;
}

/* Until the channel is empty, or whoever asks has to read first and will be resumed. The message
 * that is asked for may go to one who has asked before, and has read meanwhile. */
static void give_what_waits(struct hub_channels *channels, struct channel *channel) {
    bool is_given = true;
    while (is_given && channel->count > 0) {
        const struct message *message = first_message(channel);
        is_given = give(channels, channel, slice_of(message->bytes, message->length));
        if (is_given) {
            drop_first(channels, channel);
        }
    }
}

/* Puts a message into the channel, which may be freed. */
static int put(struct hub_channels *channels, struct channel *channel, struct slice message,
               uint32_t capacity, uint64_t now, uint64_t expires, bool is_noted) {
    drop_expired(channels, channel, now);
    int status = STATUS_OK;
    if (channel->count > 0 || !give(channels, channel, message)) {
        status = channel->count >= capacity ? STATUS_TOO_LARGE
                                            : keep(channels, channel, message, expires, is_noted);
    }
    hub_metrics_add(channels->metrics, HUB_METRIC_sent, status == STATUS_OK);
    if (status != STATUS_OK && is_noted) {
        status = note_loss(channels, channel);
    }
    free_if_empty(channels, channel);
    return status;
}

int hub_channels_send(struct hub_channels *channels, struct slice name, struct slice message,
                      uint32_t capacity, uint64_t now, uint64_t expires) {
    struct channel *channel = open_channel(channels, name);
    return channel == NULL ? STATUS_NO_MEMORY
                           : put(channels, channel, message, capacity, now, expires, false);
}

int hub_channels_send_noted(struct hub_channels *channels, struct slice name, struct slice message,
                            uint64_t now, uint64_t expires) {
    struct channel *channel = open_channel(channels, name);
    return channel == NULL ? STATUS_NO_MEMORY
                           : put(channels, channel, message, UINT32_MAX, now, expires, true);
}

/* --- Topics --- */

int hub_channels_join(struct hub_channels *channels, struct slice topic, struct slice name,
                      const struct hub_channel_limits *limits, uint64_t now) {
    struct channel *channel = open_within_bounds(channels, name);
    if (channel == NULL) {
        return STATUS_NO_MEMORY;
    }
    bool was_in_topic = is_in_topic(channel);
    channel->limits = *limits;
    int status =
        groups_add(channels->topics, topic, &channel->member.member, (double)now / 1000, NULL);
    channels->member_count += !was_in_topic && is_in_topic(channel);
    free_if_empty(channels, channel);
    return status;
}

void hub_channels_leave(struct hub_channels *channels, struct slice topic, struct slice name) {
    struct channel *channel = find(channels, name);
    if (channel != NULL && is_in_topic(channel)) {
        groups_discard(channels->topics, topic, &channel->member.member);
        channels->member_count -= !is_in_topic(channel);
        free_if_empty(channels, channel);
    }
}

static bool has_stayed_out(const struct channel *channel, double joined, uint64_t now) {
    return joined * 1000 + channel->limits.stay < (double)now;
}

void hub_channels_post(struct hub_channels *channels, struct hub_member *member, double joined,
                       struct slice topic, struct slice message, uint64_t now) {
    struct channel *channel = (struct channel *)member;
    if (has_stayed_out(channel, joined, now)) {
        hub_channels_leave(channels, topic, channel->entry.name);
        return;
    }
    drop_expired(channels, channel, now);
    if (is_in_topic(channel)) {
        (void)put(channels, channel, message, channel->limits.capacity, now,
                  now + channel->limits.milliseconds, false);
    } else {
        free_if_empty(channels, channel);
    }
}

int hub_channels_receive(struct hub_channels *channels, struct slice name, struct list *asks,
                         uint64_t now) {
    struct channel *channel = open_within_bounds(channels, name);
    struct ask *ask = channel == NULL ? NULL : memory_allocate(sizeof(*ask));
    if (ask == NULL) {
        if (channel != NULL) {
            free_if_empty(channels, channel);
        }
        return STATUS_NO_MEMORY;
    }
    ask->channel = channel;
    ask->owner = asks;
    list_append(&channel->asks, &ask->of_channel);
    list_append(asks, &ask->of_owner);
    drop_expired(channels, channel, now);
    give_what_waits(channels, channel);
    free_if_empty(channels, channel);
    return STATUS_OK;
}

void hub_channels_resume(struct hub_channels *channels, struct list *asks, uint64_t now) {
    struct list *link = asks->next;
    int status = STATUS_OK;
    while (status == STATUS_OK && link != asks) {
        struct ask *ask = LIST_OBJECT(link, struct ask, of_owner);
        struct channel *channel = ask->channel;
        link = link->next;
        drop_expired(channels, channel, now);
        if (channel->count > 0) {
            const struct message *message = first_message(channel);
            status = give_to(channels, ask, slice_of(message->bytes, message->length));
            if (status == STATUS_OK) {
                drop_first(channels, channel);
            }
            free_if_empty(channels, channel);
        }
    }
}

/* The one that was asked for last: the others keep their places. */
void hub_channels_abandon(struct hub_channels *channels, struct slice name, struct list *asks) {
    struct channel *channel = find(channels, name);
    for (struct list *link = asks->previous; channel != NULL && link != asks;
         link = link->previous) {
        struct ask *ask = LIST_OBJECT(link, struct ask, of_owner);
        if (ask->channel == channel) {
            end_ask(ask);
            free_if_empty(channels, channel);
            return;
        }
    }
}

void hub_channels_ask_no_more(struct hub_channels *channels, struct list *asks) {
    while (!list_is_empty(asks)) {
        struct ask *ask = LIST_OBJECT(asks->next, struct ask, of_owner);
        struct channel *channel = ask->channel;
        end_ask(ask);
        free_if_empty(channels, channel);
    }
}

/* --- The clock, and the end --- */

/* Calls `visit` for each channel whose name begins so, which it may free. */
static void each(struct hub_channels *channels, struct slice beginning, uint64_t now,
                 void (*visit)(struct hub_channels *channels, struct channel *channel,
                               uint64_t now)) {
    for (size_t i = 0; i < channels->channels.bucket_count; i++) {
        struct table_entry *entry = channels->channels.buckets[i];
        while (entry != NULL) {
            struct table_entry *next = entry->next;
            if (slice_starts_with(entry->name, beginning)) {
                visit(channels, TABLE_OBJECT(entry, struct channel, entry), now);
            }
            entry = next;
        }
    }
}

static void sweep_one(struct hub_channels *channels, struct channel *channel, uint64_t now) {
    drop_expired(channels, channel, now);
    bool was_in_topic = is_in_topic(channel);
    groups_leave_old(channels->topics, &channel->member.member,
                     ((double)now - channel->limits.stay) / 1000);
    channels->member_count -= was_in_topic && !is_in_topic(channel);
    free_if_empty(channels, channel);
}

void hub_channels_sweep(struct hub_channels *channels, uint64_t now) {
    each(channels, SLICE_LITERAL(""), now, sweep_one);
}

static void empty_one(struct hub_channels *channels, struct channel *channel, uint64_t now) {
    (void)now;
    while (channel->count > 0) {
        drop_first(channels, channel);
    }
    leave_topics(channels, channel);
    free_if_empty(channels, channel);
}

void hub_channels_flush(struct hub_channels *channels, struct slice beginning) {
    each(channels, beginning, 0, empty_one);
}

void hub_channels_release(struct hub_channels *channels) {
    each(channels, SLICE_LITERAL(""), 0, empty_one);
    table_release(&channels->channels);
}
