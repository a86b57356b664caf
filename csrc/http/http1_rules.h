/* What the fields of an HTTP/1 request's head mean together, and which combinations are refused
 * (RFC 9112 sections 3.2, 6 and 9.3; the smuggling advisories of other servers). */
#ifndef CASGI_HTTP_HTTP1_RULES_H
#define CASGI_HTTP_HTTP1_RULES_H

#include "http/http_refusal.h"
#include "http/request_head.h"

/* Fills everything of `request` that follows from its method, target, version and headers, whose
 * names are lower case and whose values are trimmed. *Borrows* all of it. */
struct http_refusal http1_rules_apply(struct http_request_head *request);

#endif
