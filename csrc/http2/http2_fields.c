/* A response's head as fields for nghttp2, which copies them in lower case. Owns nothing. */
#include "http2/http2_internal.h"

#include "base/memory.h"

static nghttp2_nv field(struct slice name, struct slice value) {
    return (nghttp2_nv){.name = (uint8_t *)name.data,
                        .namelen = name.length,
                        .value = (uint8_t *)value.data,
                        .valuelen = value.length,
                        .flags = NGHTTP2_NV_FLAG_NONE};
}

static struct slice decimal(char room[HTTP2_LENGTH_ROOM], int64_t number) {
    size_t first = HTTP2_LENGTH_ROOM;
    do {
        room[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return slice_of(room + first, HTTP2_LENGTH_ROOM - first);
}

size_t http2_fields_write(nghttp2_nv *fields, char digits[2 * HTTP2_LENGTH_ROOM],
                          const struct http_response_head *head,
                          const struct http2_framing *framing) {
    size_t count = 0;
    fields[count++] = field(SLICE_LITERAL(":status"), decimal(digits, head->status));
    if (framing->date.length > 0) {
        fields[count++] = field(SLICE_LITERAL("date"), framing->date);
    }
    if (framing->server.length > 0) {
        fields[count++] = field(SLICE_LITERAL("server"), framing->server);
    }
    for (size_t i = 0; i < head->header_count; i++) {
        if (http_response_head_sends(head, i)) {
            fields[count++] = field(head->headers[i].name, head->headers[i].value);
        }
    }
    if (framing->content_length >= 0) {
        fields[count++] = field(SLICE_LITERAL("content-length"),
                                decimal(digits + HTTP2_LENGTH_ROOM, framing->content_length));
    }
    return count;
}

int http2_fields_submit_trailers(nghttp2_session *nghttp2, int32_t id,
                                 const struct http_fields *trailers) {
    nghttp2_nv *fields = memory_allocate(trailers->count * sizeof(*fields));
    if (fields == NULL) {
        return NGHTTP2_ERR_NOMEM;
    }
    for (size_t i = 0; i < trailers->count; i++) {
        fields[i] = field(trailers->fields[i].name, trailers->fields[i].value);
    }
    int error = nghttp2_submit_trailer(nghttp2, id, fields, trailers->count);
    memory_free(fields);
    return error;
}
