/* Collects the lines of a request's head (RFC 9112 sections 2.2, 3 and 5) in one buffer until the
 * empty line, and refuses what is wrong with a line as such: its end, its length, folding, the
 * shape of the request line.
 *
 * With all lines in one place the field parser runs once over memory that does not move, so that
 * its slices are final and the same however the bytes were cut. */
#ifndef CASGI_HTTP_HTTP1_HEAD_H
#define CASGI_HTTP_HTTP1_HEAD_H

#include <stdint.h>

#include "base/buffer.h"
#include "http/http_refusal.h"

/* Embedded in its owner; zeroed when new. */
struct http1_head {
    struct buffer text; /* request line, field lines, empty line; each with its CRLF */
    size_t line_start;  /* of the line that is being collected */
    size_t line_count;  /* whole lines, without the empty one */
    size_t empty_lines; /* that stood before the request line */
    size_t scanned;     /* bytes of the request line known to be a method */
    size_t method_length;
    size_t target_length;
    uint8_t version_minor;
    bool is_whole;
};

/* Takes bytes up to the end of the head, which sets is_whole, and sets *used to how many. `size`
 * bytes and `fields` field lines are the most that is taken: 414 and 431 as soon as more come. 503
 * when out of memory. */
struct http_refusal http1_head_collect(struct http1_head *head, size_t size, size_t fields,
                                       struct slice bytes, size_t *used);

/* Ready for the next head. Keeps a small buffer, gives a large one back. */
void http1_head_clear(struct http1_head *head);

void http1_head_release(struct http1_head *head);

/* True when a byte of the request line has come: a CR may still become an empty line. */
static inline bool http1_head_has_begun(const struct http1_head *head) {
    return head->text.length > 0 && head->text.data[0] != '\r';
}

/* The parts of a whole head; the slices are valid until it is cleared. */
static inline struct slice http1_head_method(const struct http1_head *head) {
    return slice_of(head->text.data, head->method_length);
}

static inline struct slice http1_head_target(const struct http1_head *head) {
    return slice_of(head->text.data + head->method_length + 1, head->target_length);
}

/* Field lines and the empty line. */
static inline struct slice http1_head_fields(const struct http1_head *head) {
    size_t start = head->method_length + head->target_length + sizeof("  HTTP/1.1\r\n") - 1;
    return slice_of(head->text.data + start, head->text.length - start);
}

#endif
