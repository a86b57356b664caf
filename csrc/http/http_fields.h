/* A copy of some fields that outlives whoever gave them. */
#ifndef CASGI_HTTP_HTTP_FIELDS_H
#define CASGI_HTTP_HTTP_FIELDS_H

#include "http/request_head.h"

struct http_fields {
    size_t count;
    struct http_header fields[]; /* their bytes stand behind */
};

/* Returns new copy, or NULL. Freed with memory_free(). */
struct http_fields *http_fields_copy(const struct http_header *fields, size_t count);

#endif
