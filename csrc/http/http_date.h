/* Dates of HTTP (RFC 9110 section 5.6.7): the Date header's text, made once a second, and reading
 * what clients send. */
#ifndef CASGI_HTTP_HTTP_DATE_H
#define CASGI_HTTP_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define HTTP_DATE_LENGTH 29

/* Embedded in its owner; zeroed when new. */
struct http_date {
    int64_t second; /* Unix time of the text */
    char text[HTTP_DATE_LENGTH + 1];
};

/* Returns the text for Unix time `second` (years 0 to 9999), which stays valid until the next call
 * with another second. */
struct slice http_date_at(struct http_date *date, int64_t second);

/* Reads a date in any of the three formats, as Unix time. False when it is none. Two digits of a
 * year are from 1970 to 2069. */
bool http_date_parse(struct slice text, int64_t *second);

#endif
