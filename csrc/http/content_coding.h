/* Which coding of a representation a client wants (RFC 9110 section 12.5.3). Nothing is kept,
 * nothing is allocated. */
#ifndef CASGI_HTTP_CONTENT_CODING_H
#define CASGI_HTTP_CONTENT_CODING_H

#include "http/request_head.h"

/* In the order in which we would choose. */
enum content_coding { CODING_BR, CODING_ZSTD, CODING_GZIP, CODING_IDENTITY };

enum { CODING_COUNT = CODING_IDENTITY };

/* Fills `codings` with those that the client prefers to identity or likes as much, best first.
 * Returns how many. */
unsigned content_coding_choose(const struct http_request_head *head,
                               enum content_coding codings[CODING_COUNT]);

/* Returns the name in Content-Encoding. */
struct slice content_coding_name(enum content_coding coding);

#endif
