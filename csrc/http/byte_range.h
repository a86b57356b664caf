/* The Range header (RFC 9110 section 14): one range of bytes. Nothing is kept, nothing is
 * allocated. */
#ifndef CASGI_HTTP_BYTE_RANGE_H
#define CASGI_HTTP_BYTE_RANGE_H

#include <stdint.h>

#include "base/slice.h"

enum byte_range {
    BYTE_RANGE_NONE, /* the header is no range of bytes, or several: it is ignored;
                        so is any of an empty file */
    BYTE_RANGE_PART,
    BYTE_RANGE_UNSATISFIABLE /* 416 */
};

/* Reads the value for a representation of `size` bytes. For a part, *offset and *length, at least
 * 1, say which. */
enum byte_range byte_range_parse(struct slice value, uint64_t size, uint64_t *offset,
                                 uint64_t *length);

#endif
