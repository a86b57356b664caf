/* Compresses messages for permessage-deflate (RFC 7692 section 7.2.1), through zlib, into whole
 * frames; and the pool of deflaters for messages that refer to none before them.
 *
 * A deflater is 16 to 270 KiB, by the size of the window and the memory level. Without context
 * takeover the few of the pool serve every WebSocket, since a message is compressed in one call;
 * with takeover a WebSocket has one of its own. */
#ifndef CASGI_WS_WS_DEFLATER_H
#define CASGI_WS_WS_DEFLATER_H

#include "base/frame.h"
#include "ws/ws_deflate.h"

struct ws_deflater;
struct ws_deflater_pool; /* one per server */

/* Returns new pool, empty, or NULL. *Borrows* the settings for its life. */
struct ws_deflater_pool *ws_deflater_pool_new(const struct ws_deflate_settings *settings);

/* Frees the pool and its deflaters. NULL is allowed. */
void ws_deflater_pool_free(struct ws_deflater_pool *pool);

/* True for a message of so many bytes that is to be compressed. */
bool ws_deflater_pool_wants(const struct ws_deflater_pool *pool, size_t length);

/* Returns new frame of a message (*borrows*) that refers to none before it, for a window of so many
 * bits; NULL when it would be no shorter than the plain frame, or without memory: the plain one is
 * for all. */
struct frame *ws_deflater_pool_frame(struct ws_deflater_pool *pool, uint8_t window_bits,
                                     bool is_text, struct slice payload);

/* Returns new deflater of one's own, with the pool's settings; NULL without memory.
 * COUNTER_ws_deflaters counts them. */
struct ws_deflater *ws_deflater_new(const struct ws_deflater_pool *pool, uint8_t window_bits);

/* NULL is allowed. */
void ws_deflater_free(struct ws_deflater *deflater);

/* Returns new frame of a message (*borrows*) that may refer to those before it, since the last
 * ws_deflater_forget(); NULL as above, those before then being forgotten. */
struct frame *ws_deflater_frame(struct ws_deflater *deflater, bool is_text, struct slice payload);

/* The next message refers to none before it: the peer has got, or may have got, one that was not
 * compressed here. */
void ws_deflater_forget(struct ws_deflater *deflater);

#endif
