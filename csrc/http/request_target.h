/* The four forms of a request-target (RFC 9112 section 3.2), of which a server that is no proxy
 * needs three. */
#ifndef CASGI_HTTP_REQUEST_TARGET_H
#define CASGI_HTTP_REQUEST_TARGET_H

#include "http/request_head.h"

/* Splits head->target into path, query, scheme and authority, by the head's method. The slices
 * point into the target, or to static text. Returns false for a target that no form allows: then
 * they are undefined. A fragment, controls, spaces and bytes from 0x80 on, which RFC 3986 wants
 * percent-encoded, do not pass; nor do they under daphne and uvicorn. */
bool request_target_split(struct http_request_head *head);

#endif
