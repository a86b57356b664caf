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

struct message {
    struct list link;
    uint64_t expires;
    size_t length;
    char bytes[];
};

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
    channels->metrics = metrics;
    channels->give = give;
}

/* --- Channels --- */

static struct channel *find(struct hub_channels *channels, struct slice name) {
    struct table_entry *entry = table_find(&channels->channels, name);
    return entry == NULL ? NULL : TABLE_OBJECT(entry, struct channel, entry);
}

/* Returns the channel, which is made if need be, or NULL without memory. */
static struct channel *open_channel(struct hub_channels *channels, struct slice name) {
    struct channel *channel = find(channels, name);
    if (channel != NULL) {
        return channel;
    }
    channel = memory_allocate_zeroed(sizeof(*channel) + name.length);
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
    return channel;
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
        memory_free(channel);
    }
}

/* --- Messages --- */

static struct message *first_message(struct channel *channel) {
    return LIST_OBJECT(channel->messages.next, struct message, link);
}

static void count(struct hub_channels *channels, struct channel *channel, size_t length,
                  int change) {
    channel->count += (size_t)change;
    hub_metrics_add(channels->metrics, HUB_METRIC_waiting, change);
    hub_metrics_add(channels->metrics, HUB_METRIC_waiting_bytes, change * (int64_t)length);
}

static void drop_first(struct hub_channels *channels, struct channel *channel) {
    struct message *message = first_message(channel);
    list_remove(&message->link);
    count(channels, channel, message->length, -1);
    memory_free(message);
}

static void drop_expired(struct hub_channels *channels, struct channel *channel, uint64_t now) {
    while (channel->count > 0 && first_message(channel)->expires <= now) {
        drop_first(channels, channel);
        leave_topics(channels, channel);
        hub_metrics_add(channels->metrics, HUB_METRIC_expired, 1);
    }
}

static int keep(struct hub_channels *channels, struct channel *channel, struct slice bytes,
                uint64_t expires) {
    uint64_t waiting = hub_metrics_read(channels->metrics, HUB_METRIC_waiting_bytes);
    if (waiting + bytes.length > LIMIT_HUB_WAITING) {
        return STATUS_STATE;
    }
    struct message *message = memory_allocate(sizeof(*message) + bytes.length);
    if (message == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(message->bytes, bytes.data, bytes.length);
    message->length = bytes.length;
    message->expires = expires;
    list_append(&channel->messages, &message->link);
    count(channels, channel, bytes.length, 1);
    return STATUS_OK;
}

/* --- Who asks --- */

static void end_ask(struct ask *ask) {
    list_remove(&ask->of_channel);
    list_remove(&ask->of_owner);
    memory_free(ask);
}

/* Gives the message to the first who takes it. Returns false when there is none. */
static bool give(struct hub_channels *channels, struct channel *channel, struct slice message) {
    bool is_given = false;
    while (!is_given && !list_is_empty(&channel->asks)) {
        struct ask *ask = LIST_OBJECT(channel->asks.next, struct ask, of_channel);
        struct list *owner = ask->owner;
        end_ask(ask);
        is_given = channels->give(owner, channel->entry.name, message) == STATUS_OK;
    }
    hub_metrics_add(channels->metrics, HUB_METRIC_received, is_given);
    return is_given;
}

/* Puts a message into the channel, which may be freed. */
static int put(struct hub_channels *channels, struct channel *channel, struct slice message,
               uint32_t capacity, uint64_t now, uint64_t expires) {
    drop_expired(channels, channel, now);
    int status = STATUS_OK;
    if (!give(channels, channel, message)) {
        status = channel->count >= capacity ? STATUS_TOO_LARGE
                                            : keep(channels, channel, message, expires);
    }
    hub_metrics_add(channels->metrics, HUB_METRIC_sent, status == STATUS_OK);
    free_if_empty(channels, channel);
    return status;
}

int hub_channels_send(struct hub_channels *channels, struct slice name, struct slice message,
                      uint32_t capacity, uint64_t now, uint64_t expires) {
    struct channel *channel = open_channel(channels, name);
    return channel == NULL ? STATUS_NO_MEMORY
                           : put(channels, channel, message, capacity, now, expires);
}

/* --- Topics --- */

int hub_channels_join(struct hub_channels *channels, struct slice topic, struct slice name,
                      const struct hub_channel_limits *limits, uint64_t now) {
    struct channel *channel = open_channel(channels, name);
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
                  now + channel->limits.milliseconds);
    } else {
        free_if_empty(channels, channel);
    }
}

int hub_channels_receive(struct hub_channels *channels, struct slice name, struct list *asks,
                         uint64_t now) {
    struct channel *channel = open_channel(channels, name);
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
    if (channel->count > 0) {
        const struct message *message = first_message(channel);
        if (give(channels, channel, slice_of(message->bytes, message->length))) {
            drop_first(channels, channel);
        }
    }
    free_if_empty(channels, channel);
    return STATUS_OK;
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

/* Calls `visit` for each channel, which it may free. */
static void each(struct hub_channels *channels, uint64_t now,
                 void (*visit)(struct hub_channels *channels, struct channel *channel,
                               uint64_t now)) {
    for (size_t i = 0; i < channels->channels.bucket_count; i++) {
        struct table_entry *entry = channels->channels.buckets[i];
        while (entry != NULL) {
            struct table_entry *next = entry->next;
            visit(channels, TABLE_OBJECT(entry, struct channel, entry), now);
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
    each(channels, now, sweep_one);
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
    for (size_t i = 0; i < channels->channels.bucket_count; i++) {
        struct table_entry *entry = channels->channels.buckets[i];
        while (entry != NULL) {
            struct table_entry *next = entry->next;
            if (entry->name.length >= beginning.length &&
                memcmp(entry->name.data, beginning.data, beginning.length) == 0) {
                empty_one(channels, TABLE_OBJECT(entry, struct channel, entry), 0);
            }
            entry = next;
        }
    }
}

void hub_channels_release(struct hub_channels *channels) {
    each(channels, 0, empty_one);
    table_release(&channels->channels);
}
