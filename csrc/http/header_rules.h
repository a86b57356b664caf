/* What may stand in a header field (RFC 9110 section 5), for requests, responses, HTTP/1 and HTTP/2
 * alike. Nothing is kept, nothing is allocated. */
#ifndef CASGI_HTTP_HEADER_RULES_H
#define CASGI_HTTP_HEADER_RULES_H

#include <stdint.h>

#include "base/slice.h"

/* True for a token (RFC 9110 section 5.6.2): what a field name and a method must be. */
bool header_is_token(struct slice text);

/* Puts a token into lower case where it stands. False when it is no token; it is then half done. */
bool header_lower_token(char *text, size_t length);

/* True when the value has no control byte but TAB (RFC 9110 section 5.5; NUL, CR, LF, VT, FF, DEL
 * and the like are what request smuggling and response splitting are made of). Bytes from 0x80 on
 * are allowed. */
bool header_is_value(struct slice text);

/* True when the value has a NEL (0x85 as Latin-1), at which a str splits into lines: daphne refuses
 * it since CVE-2026-44546. A byte 0x85 that follows another from 0x80 on belongs to UTF-8, as that
 * of an A with a ring, and is none. */
bool header_has_next_line(struct slice text);

/* Takes the next element off a comma-separated list (RFC 9110 section 5.6.1) and returns it
 * trimmed. Empty elements are skipped; an empty slice is the end. */
struct slice header_next_element(struct slice *list);

/* True when the comma-separated list holds the token, in any case ("keep-alive, Upgrade" holds
 * "upgrade"). */
bool header_has_token(struct slice list, struct slice token);

/* Reads a Content-Length: digits only, nothing around them. Returns false on anything else or above
 * INT64_MAX. */
bool header_parse_length(struct slice text, int64_t *length);

/* True for what Host may be: a name, IPv4 address or bracketed IP literal, and a port or none
 * (RFC 9110 section 7.2, RFC 3986 section 3.2.2); empty is allowed. */
bool header_is_host(struct slice text);

/* True for hop-by-hop fields (RFC 9110 section 7.6.1), in any case: they say how this connection
 * works, which the server decides. HTTP/2 has none of them (RFC 9113 section 8.2.2). */
bool header_is_hop_by_hop(struct slice name);

#endif
