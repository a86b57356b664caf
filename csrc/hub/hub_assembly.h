/* Messages that come in several frames, put together: one at a time of each sender. A frame that
 * continues nothing is passed over: its beginning was lost, or came before the receiver did. */
#ifndef CASGI_HUB_HUB_ASSEMBLY_H
#define CASGI_HUB_HUB_ASSEMBLY_H

#include "base/list.h"
#include "hub/hub_wire.h"

struct hub_assembly {
    struct list parts;   /* of struct part, of each sender that is half-way */
    struct buffer whole; /* what was put together last */
};

void hub_assembly_init(struct hub_assembly *assembly);

/* Takes a frame of `frame->number`. STATUS_OK when the message is whole: its payload, in *payload,
 * is *borrowed* until the next call; STATUS_STATE when more is to come, or nothing;
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY: the message is given up. */
int hub_assembly_add(struct hub_assembly *assembly, const struct hub_frame *frame,
                     struct slice *payload);

/* Gives up what the sender has begun. */
void hub_assembly_forget(struct hub_assembly *assembly, uint32_t sender);

/* Gives up everything. Idempotent. */
void hub_assembly_clear(struct hub_assembly *assembly);

#endif
