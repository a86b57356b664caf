/* The sending half of one WebSocket's messages: plain frames, or compressed ones where that was
 * agreed and is worth it. ws_session is the other half.
 *
 * Messages of groups are compressed once for all (ws_message.h), and so refer to none before them,
 * whatever was agreed; nor do those that follow refer to them: a slow member may never get them. */
#ifndef CASGI_WS_WS_SENDER_H
#define CASGI_WS_WS_SENDER_H

#include "ws/ws_deflater.h"
#include "ws/ws_message.h"

struct ws_sender {
    struct ws_deflater_pool *pool; /* NULL: everything goes as it is */
    const struct ws_deflate_terms *terms;
    struct ws_deflater *deflater; /* with context takeover, from the first message on */
};

/* From now on messages are compressed by these terms. *Borrows* all pointers for the sender's life;
 * zeroed, a sender sends all as it is. */
void ws_sender_compress(struct ws_sender *sender, struct ws_deflater_pool *pool,
                        const struct ws_deflate_terms *terms);

/* Returns new frame of a message (*borrows*), or NULL without memory. */
struct frame *ws_sender_frame(struct ws_sender *sender, bool is_text, struct slice payload);

/* Returns the frame of a group's message, *borrowed* from that; NULL without memory. */
struct frame *ws_sender_group_frame(struct ws_sender *sender, struct ws_message *message);

/* Gives memory back; idempotent. */
void ws_sender_release(struct ws_sender *sender);

#endif
