/* Inflates the messages of permessage-deflate (RFC 7692 section 7.2.2), through zlib; and the pool
 * that lends inflaters out.
 *
 * An inflater is about 40 KiB: a session without context takeover takes one when a compressed
 * message begins, and gives it back at its end. With takeover it keeps one of its own, in which the
 * window of the messages before is. The caller bounds what comes out, while it comes. */
#ifndef CASGI_WS_WS_INFLATER_H
#define CASGI_WS_WS_INFLATER_H

#include <stdint.h>

#include "base/buffer.h"

struct ws_inflater;
struct ws_inflater_pool; /* inflaters not in use: one pool per server */

/* Returns new pool, empty, or NULL. */
struct ws_inflater_pool *ws_inflater_pool_new(void);

/* Frees the pool and the inflaters in it; all have been given back. NULL is allowed. */
void ws_inflater_pool_free(struct ws_inflater_pool *pool);

/* Returns an inflater that knows of no message before, to be given back; NULL without memory.
 * COUNTER_ws_inflaters counts those taken and not yet given back. */
struct ws_inflater *ws_inflater_pool_take(struct ws_inflater_pool *pool);

/* *Takes* the inflater, wherever it stands. NULL is allowed. */
void ws_inflater_pool_give(struct ws_inflater_pool *pool, struct ws_inflater *inflater);

/* Appends to *out what `bytes` (*borrows*) of a message inflate to; all of them are used. `out` is
 * to have at most `most` bytes, 0: no limit; it may be one more when that is the fault. STATUS_OK,
 * STATUS_INVALID, STATUS_TOO_LARGE, STATUS_NO_MEMORY; after a failure the inflater is only to be
 * given back. */
int ws_inflater_feed(struct ws_inflater *inflater, struct slice bytes, size_t most,
                     struct buffer *out);

/* The message has ended: appends what still comes of it. Statuses as above; STATUS_INVALID when
 * that is inside a block. Afterwards a next message may begin. */
int ws_inflater_end(struct ws_inflater *inflater, size_t most, struct buffer *out);

#endif
