/* Validation of UTF-8 that arrives in pieces (RFC 3629), failing at the first byte that can not
 * continue.
 *
 * RFC 6455 section 8.1 wants a text message with bad UTF-8 failed, and Autobahn section 6.4 at that
 * very byte. */
#ifndef CASGI_BASE_UTF8_H
#define CASGI_BASE_UTF8_H

#include <stdint.h>

#include "base/slice.h"

/* What the next byte may be. Zeroed: at the start of a character. */
struct utf8_state {
    uint8_t remaining; /* continuation bytes still to come */
    uint8_t lowest;    /* bounds of the next continuation byte, when remaining > 0 */
    uint8_t highest;
};

/* Returns false at the first byte that makes the text invalid; `state` carries over to the next
 * piece. */
bool utf8_feed(struct utf8_state *state, struct slice bytes);

/* True when the text so far ends on a whole character. */
static inline bool utf8_is_complete(const struct utf8_state *state) {
    return state->remaining == 0;
}

#endif
