/* What every HTTP version asks of a request beside its framing. Nothing is kept, nothing is
 * allocated. */
#ifndef CASGI_HTTP_REQUEST_RULES_H
#define CASGI_HTTP_REQUEST_RULES_H

#include "base/slice.h"
#include "http/http_refusal.h"

/* 501 for what is no method that an application can be given. CONNECT too: whoever may have one
 * asks nothing. */
struct http_refusal request_rules_check_method(struct slice method);

/* Reads one Expect field: sets *expects_continue when it holds 100-continue, *expects_other when it
 * holds anything else (RFC 9110 section 10.1.1). */
void request_rules_read_expect(struct slice list, bool *expects_continue, bool *expects_other);

/* True when an application can be given a field of this name: CGI and WSGI code cannot distinguish
 * names with an underscore from those with a dash, which a proxy may have checked or set. */
bool request_rules_keep_name(struct slice name);

#endif
