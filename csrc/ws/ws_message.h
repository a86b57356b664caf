/* One message for many WebSockets: its payload, and the frames that are made of it, each when the
 * first WebSocket wants it, once for all: the plain one, and compressed ones (RFC 7692), one for
 * each size of window, which is all that distinguishes them. HTTP/2 carries the same frames in
 * DATA.
 *
 * Lives on the stack of a fan-out. Never knows who gets it. */
#ifndef CASGI_WS_WS_MESSAGE_H
#define CASGI_WS_WS_MESSAGE_H

#include "base/frame.h"
#include "ws/ws_deflater.h"

struct ws_message {
    struct slice payload; /* borrowed */
    bool is_text;
    struct frame *plain; /* NULL until asked for, as those below */
    struct frame *deflated[WS_WINDOW_BITS_MOST - WS_WINDOW_BITS_LEAST + 1];
};

/* Prepares a message; *borrows* the payload (valid UTF-8 when is_text) until ws_message_release().
 */
void ws_message_init(struct ws_message *message, bool is_text, struct slice payload);

/* Returns the frame for a WebSocket without extensions, *borrowed* from the message; NULL without
 * memory. */
struct frame *ws_message_plain(struct ws_message *message);

/* Returns the frame for WebSockets with compression and a window of so many bits, *borrowed* from
 * the message: the plain one when compressing gains nothing. NULL without memory. */
struct frame *ws_message_deflated(struct ws_message *message, struct ws_deflater_pool *pool,
                                  uint8_t window_bits);

/* Lets go of the frames; queues that hold them keep them. Idempotent. */
void ws_message_release(struct ws_message *message);

#endif
