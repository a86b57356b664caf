/* The channels of one project in the hub: messages that wait for whoever asks first, and those who
 * ask. A message goes to one of them. A channel is there while it has either. */
#ifndef CASGI_HUB_HUB_CHANNELS_H
#define CASGI_HUB_HUB_CHANNELS_H

#include "base/list.h"
#include "base/table.h"
#include "hub/hub_metrics.h"

struct hub_channels {
    struct table channels; /* of struct channel, by name */
    struct hub_metrics *metrics;
    /* Gives a message to who has asked, by its `asks`. *Borrows* both. STATUS_OK, or a status with
     * which the message goes to the next. */
    int (*give)(struct list *asks, struct slice channel, struct slice message);
};

/* Initialises. `metrics` is *borrowed*, for life. */
void hub_channels_init(struct hub_channels *channels, uint64_t seed, struct hub_metrics *metrics,
                       int (*give)(struct list *asks, struct slice channel, struct slice message));

/* Gives a message (*borrows*) to who has asked first, or keeps a copy until `expires`, milliseconds
 * of the hub's clock, of which it is `now`. STATUS_OK, STATUS_TOO_LARGE when `capacity` messages
 * wait already, STATUS_STATE when too many bytes wait in all channels of the hub,
 * STATUS_NO_MEMORY. */
int hub_channels_send(struct hub_channels *channels, struct slice name, struct slice message,
                      uint32_t capacity, uint64_t now, uint64_t expires);

/* Asks for one message, for the owner of `asks`, the list of what it has asked for. A message that
 * waits is given at once. STATUS_OK, STATUS_NO_MEMORY. */
int hub_channels_receive(struct hub_channels *channels, struct slice name, struct list *asks,
                         uint64_t now);

/* Asks for one message less; nothing when none is asked for. */
void hub_channels_abandon(struct hub_channels *channels, struct slice name, struct list *asks);

/* Ends all that its owner has asked for. */
void hub_channels_leave(struct hub_channels *channels, struct list *asks);

/* Drops the messages that have expired. */
void hub_channels_sweep(struct hub_channels *channels, uint64_t now);

/* Drops everything, when nobody asks any more. */
void hub_channels_release(struct hub_channels *channels);

#endif
