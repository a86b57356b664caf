/* The channels of one project in the hub: messages that wait for whoever asks first, and those who
 * ask. A message goes to one of them. A channel is there while it has either, or
 * is in a topic. One in which a message expires leaves its topics: nobody reads it. */
#ifndef CASGI_HUB_HUB_CHANNELS_H
#define CASGI_HUB_HUB_CHANNELS_H

#include "base/list.h"
#include "base/table.h"
#include "hub/hub_metrics.h"
#include "server/groups.h"

/* What has joined a topic: a peer, or a channel. First member of both. */
struct hub_member {
    struct member member;
    bool is_channel;
};

/* How many messages a channel holds, for how many milliseconds, and for how many it stays in a
 * topic. */
struct hub_channel_limits {
    uint32_t capacity, milliseconds, stay;
};

struct hub_channels {
    struct table channels; /* of struct channel, by name */
    struct groups *topics; /* borrowed: which they join */
    size_t member_count;   /* channels that are in topics */
    size_t names;          /* bytes of channels with their names */
    size_t messages;       /* bytes of messages with their headers */
    struct hub_metrics *metrics;
    /* Gives a message to who has asked, by its `asks`. *Borrows* both. STATUS_OK; STATUS_STATE of
     * who has to read first, and goes on asking until hub_channels_resume(); or another status. The
     * message then goes to the next. */
    int (*give)(struct list *asks, struct slice channel, struct slice message);
};

/* Initialises. `topics` and `metrics` are *borrowed*, for life. */
void hub_channels_init(struct hub_channels *channels, struct groups *topics,
                       struct hub_metrics *metrics,
                       int (*give)(struct list *asks, struct slice channel, struct slice message));

/* Gives a message (*borrows*) to who has asked first, or keeps a copy until `expires`, milliseconds
 * of the hub's clock, of which it is `now`. STATUS_OK, STATUS_TOO_LARGE when `capacity` messages
 * wait already, STATUS_STATE when messages or names of all channels of the project have
 * LIMIT_HUB_WAITING, STATUS_NO_MEMORY. */
int hub_channels_send(struct hub_channels *channels, struct slice name, struct slice message,
                      uint32_t capacity, uint64_t now, uint64_t expires);

/* The same without a capacity, for who has to know what is missing: when the message expires, or
 * there is no room for it, an empty one that never expires takes its place; one for all that follow
 * each other. */
int hub_channels_send_noted(struct hub_channels *channels, struct slice name, struct slice message,
                            uint64_t now, uint64_t expires);

/* Asks for one message, for the owner of `asks`, the list of what it has asked for. A message that
 * waits is given at once. STATUS_OK, STATUS_NO_MEMORY: also of a channel that is new when the
 * project's names have LIMIT_HUB_WAITING already. */
int hub_channels_receive(struct hub_channels *channels, struct slice name, struct list *asks,
                         uint64_t now);

/* Gives the owner of `asks` what waits for it by now: it can take messages again. */
void hub_channels_resume(struct hub_channels *channels, struct list *asks, uint64_t now);

/* Asks for one message less; nothing when none is asked for. */
void hub_channels_abandon(struct hub_channels *channels, struct slice name, struct list *asks);

/* Ends all that its owner has asked for. */
void hub_channels_ask_no_more(struct hub_channels *channels, struct list *asks);

/* Makes a channel a member of a topic, or renews that. STATUS_OK, STATUS_NO_MEMORY as above. */
int hub_channels_join(struct hub_channels *channels, struct slice topic, struct slice name,
                      const struct hub_channel_limits *limits, uint64_t now);

/* Ends the membership; nothing when there is none. */
void hub_channels_leave(struct hub_channels *channels, struct slice topic, struct slice name);

/* As hub_channels_send() to a channel that has joined the topic at `joined`; what does not fit is
 * lost. One that has stayed for its time leaves instead. */
void hub_channels_post(struct hub_channels *channels, struct hub_member *member, double joined,
                       struct slice topic, struct slice message, uint64_t now);

/* Empties the channels whose names begin so, which leave all topics. */
void hub_channels_flush(struct hub_channels *channels, struct slice beginning);

/* Drops the messages and memberships that have expired. */
void hub_channels_sweep(struct hub_channels *channels, uint64_t now);

/* Drops everything, when nobody asks any more. */
void hub_channels_release(struct hub_channels *channels);

#endif
