/* Looking things up in a request's head. Owns nothing. */
#include "http/request_head.h"

const struct http_header *http_request_head_find(const struct http_request_head *head,
                                                 struct slice name) {
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equals(head->headers[i].name, name)) {
            return &head->headers[i];
        }
    }
    return NULL;
}
