/* The response with a static file: which representation, which part of it, which headers. */
#ifndef CASGI_SERVER_STATIC_RESPONSE_H
#define CASGI_SERVER_STATIC_RESPONSE_H

#include <sys/stat.h>

#include "http/content_coding.h"

struct exchange;

/* A file as it is sent. Whoever has one owns the descriptor. */
struct static_representation {
    int descriptor;
    struct stat facts;
    enum content_coding coding;
};

/* Finds the file of this name (*borrows*, NUL-terminated, from url_path_to_file()) beneath
 * `directory`, or its compressed form that the client likes best: name.br, name.zst or name.gz
 * beside it, unless that is older than the file. Returns false with errno when it can not be
 * opened. */
bool static_representation_find(struct static_representation *representation, int directory,
                                const struct http_request_head *head, const char *name);

/* Answers by the representation, which it *takes*: 200, 206, 304, 412, 416, or 405. */
void static_response_send(struct exchange *exchange, struct static_representation *representation,
                          const char *name);

#endif
