/* The four forms of a request-target (RFC 9112 section 3.2), of which a server that is no proxy
 * needs three. */
#ifndef CASGI_HTTP_REQUEST_TARGET_H
#define CASGI_HTTP_REQUEST_TARGET_H

#include "http/request_head.h"

/* Splits head->target into path, query and scheme, by the head's method. The slices point into the
 * target, or to static text. Returns false for a target that no form allows: then they are
 * undefined.
 *
 * Bytes from 0x80 on pass although RFC 3986 wants them percent-encoded: curl and older clients send
 * UTF-8 as it is, and they carry no danger (they delimit nothing). A fragment, controls and spaces
 * do not pass. */
bool request_target_split(struct http_request_head *head);

#endif
