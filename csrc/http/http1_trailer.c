/* Trailer fields, byte by byte: they are rare. Owns nothing. */
#include "http/http1_trailer.h"

#include "base/limits.h"
#include "http/header_rules.h"

/* Sets the state after `byte`. False when it can not stand here. */
static bool step(struct http1_trailer *trailer, char byte) {
    switch (trailer->state) {
    case HTTP1_TRAILER_LINE:
        trailer->state = byte == '\r' ? HTTP1_TRAILER_LAST_LINE_FEED : HTTP1_TRAILER_NAME;
        return byte == '\r' || header_is_token(slice_of(&byte, 1));
    case HTTP1_TRAILER_NAME:
        trailer->state = byte == ':' ? HTTP1_TRAILER_VALUE : HTTP1_TRAILER_NAME;
        return byte == ':' || header_is_token(slice_of(&byte, 1));
    case HTTP1_TRAILER_VALUE:
        trailer->state = byte == '\r' ? HTTP1_TRAILER_LINE_FEED : HTTP1_TRAILER_VALUE;
        return byte == '\r' || header_is_value(slice_of(&byte, 1));
    case HTTP1_TRAILER_LINE_FEED:
        trailer->state = HTTP1_TRAILER_LINE;
        return byte == '\n';
    case HTTP1_TRAILER_LAST_LINE_FEED:
        trailer->state = HTTP1_TRAILER_END;
        return byte == '\n';
    case HTTP1_TRAILER_END:
        break;
    }
    return false;
}

struct http_refusal http1_trailer_feed(struct http1_trailer *trailer, struct slice bytes,
                                       size_t *used) {
    for (*used = 0; *used < bytes.length && trailer->state != HTTP1_TRAILER_END; ++*used) {
        if (++trailer->length > LIMIT_TRAILER_SIZE) {
            return http_refuse(431, "trailer fields too large");
        }
        if (!step(trailer, bytes.data[*used])) {
            return http_refuse(400, "bad trailer field");
        }
    }
    return HTTP_ACCEPTED;
}
