/* The terms of permessage-deflate (RFC 7692) between one client and us: offered by the client in
 * Sec-WebSocket-Extensions, chosen here, answered in the same header. On header values: no HTTP
 * type, no compression, no I/O. */
#ifndef CASGI_WS_WS_DEFLATE_H
#define CASGI_WS_WS_DEFLATE_H

#include <stdint.h>

#include "base/slice.h"

/* Of an LZ77 window, as base-2 logarithms of its bytes (RFC 7692 section 7.1.2). */
#define WS_WINDOW_BITS_LEAST 8
#define WS_WINDOW_BITS_MOST  15

/* What the server is willing to do. */
struct ws_deflate_settings {
    bool is_on;
    bool has_takeover;    /* a message may refer to those before it */
    uint8_t window_bits;  /* most that either side's window has */
    uint8_t memory_level; /* of our compressors, 1 to 9 as zlib counts */
    size_t least_size;    /* bytes of a message below which it is sent as it is */
};

/* What was agreed for one WebSocket. All zero: no compression. */
struct ws_deflate_terms {
    uint8_t server_window_bits; /* most in what we send; 0 when nothing is agreed */
    uint8_t client_window_bits; /* most in what the client sends */
    bool server_has_takeover;   /* we may refer to what we have sent before */
    bool client_has_takeover;   /* the client may */
    bool names_server_bits;     /* the answer says server_max_window_bits */
    bool names_client_bits;     /* the answer says client_max_window_bits */
};

/* The longest answer, with all four parameters. */
#define WS_DEFLATE_ANSWER_MAX 128

static inline bool ws_deflate_is_agreed(const struct ws_deflate_terms *terms) {
    return terms->server_window_bits > 0;
}

/* Chooses the first offer in one Sec-WebSocket-Extensions value (*borrows*) that can be kept: false
 * when there is none, *terms then being untouched. An offer with a parameter that is unknown,
 * doubled or has a wrong value is declined, as are other extensions, and a value from where it
 * breaks the syntax. */
bool ws_deflate_choose(struct slice offers, const struct ws_deflate_settings *settings,
                       struct ws_deflate_terms *terms);

/* Writes the value of the answer, and returns its length. */
size_t ws_deflate_write_answer(const struct ws_deflate_terms *terms,
                               char answer[WS_DEFLATE_ANSWER_MAX]);

#endif
