/* Conditional requests of GET and HEAD (RFC 9110 section 13). Nothing is kept, nothing is
 * allocated. */
#ifndef CASGI_HTTP_PRECONDITIONS_H
#define CASGI_HTTP_PRECONDITIONS_H

#include <stdbool.h>

#include "http/request_head.h"

#define VALIDATORS_NO_DATE INT64_MIN

/* What tells one state of a representation from another. */
struct validators {
    struct slice etag;     /* strong, with its quotes; empty: none */
    int64_t last_modified; /* VALIDATORS_NO_DATE: not known */
};

enum precondition {
    PRECONDITION_HOLDS,
    PRECONDITION_NOT_MODIFIED, /* 304 */
    PRECONDITION_FAILED        /* 412 */
};

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of
 * section 13.2.2. */
enum precondition preconditions_check(const struct http_request_head *head,
                                      const struct validators *validators);

/* Whether a Range counts: If-Range is not there, or names this state exactly. */
bool preconditions_allow_range(const struct http_request_head *head,
                               const struct validators *validators);

#endif
