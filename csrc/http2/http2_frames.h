/* Where the frames are in what arrives (RFC 9113 section 4.1): each is judged by its head before
 * nghttp2 gets it, which passes some by without a word. Keeps nothing but a head that is half
 * there.
 */
#ifndef CASGI_HTTP2_HTTP2_FRAMES_H
#define CASGI_HTTP2_HTTP2_FRAMES_H

#include <stdint.h>

#include "base/slice.h"

enum { HTTP2_PREFACE_SIZE = 24, HTTP2_FRAME_HEAD = 9, HTTP2_DEPENDENCY_SIZE = 4 };

struct http2_frame {
    uint32_t length; /* of the payload */
    uint8_t type, flags;
    int32_t id;         /* of the stream */
    int32_t dependency; /* what a PRIORITY frame makes it depend on, 0: nothing */
};

/* Embedded in its owner; zeroed when new. */
struct http2_frames {
    uint8_t head[HTTP2_FRAME_HEAD + HTTP2_DEPENDENCY_SIZE];
    unsigned have;         /* bytes of it */
    unsigned preface_have; /* bytes of the connection preface */
    uint32_t left;         /* bytes of the payload that are to come */
};

/* Returns how many bytes (of at least one) belong to the next frame. Fills in *frame and sets
 * *is_begun when its head is whole with them. */
size_t http2_frames_next(struct http2_frames *frames, struct slice bytes, struct http2_frame *frame,
                         bool *is_begun);

#endif
