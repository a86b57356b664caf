/* Response heads and chunks as text. Writes into the caller's memory only. */
#include "http/http1_writer.h"

enum {
    STATUS_LINE_BOUND = sizeof("HTTP/1.1 999 \r\n"),
    INTEGER_BOUND = 20,
    /* What the server may add, beside values whose length is the caller's. */
    SERVER_FIELDS_BOUND =
        sizeof("date: \r\n") + sizeof("server: \r\n") + sizeof("content-length: \r\n") +
        INTEGER_BOUND + sizeof("transfer-encoding: chunked\r\n") +
        sizeof("connection: upgrade, close\r\n") + sizeof("upgrade: \r\n") + sizeof("\r\n")
};

static struct slice reason_of(const struct http_response_head *head) {
    return head->reason.length > 0 ? head->reason : http_status_reason(head->status);
}

static size_t fields_bound(const struct http_header *fields, size_t count) {
    size_t bound = 0;
    for (size_t i = 0; i < count; i++) {
        bound += fields[i].name.length + fields[i].value.length + sizeof(": \r\n") - 1;
    }
    return bound;
}

size_t http1_head_bound(const struct http_response_head *head,
                        const struct http1_framing *framing) {
    return STATUS_LINE_BOUND + SERVER_FIELDS_BOUND + reason_of(head).length + framing->date.length +
           framing->server.length + framing->upgrade.length +
           fields_bound(head->headers, head->header_count);
}

static char *put(char *out, struct slice text) {
    if (text.length > 0) {
        memcpy(out, text.data, text.length);
    }
    return out + text.length;
}

static char *put_field(char *out, struct slice name, struct slice value) {
    out = put(out, name);
    out = put(out, SLICE_LITERAL(": "));
    out = put(out, value);
    return put(out, SLICE_LITERAL("\r\n"));
}

static char *put_status_line(char *out, const struct http_response_head *head,
                             uint8_t version_minor) {
    out = put(out, SLICE_LITERAL("HTTP/1."));
    *out++ = (char)('0' + version_minor);
    *out++ = ' ';
    *out++ = (char)('0' + head->status / 100);
    *out++ = (char)('0' + head->status / 10 % 10);
    *out++ = (char)('0' + head->status % 10);
    *out++ = ' ';
    out = put(out, reason_of(head));
    return put(out, SLICE_LITERAL("\r\n"));
}

static char *put_content_length(char *out, int64_t length) {
    char digits[INTEGER_BOUND];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + length % 10);
        length /= 10;
    } while (length > 0);
    return put_field(out, SLICE_LITERAL("content-length"),
                     slice_of(digits + first, sizeof(digits) - first));
}

static char *put_application_fields(char *out, const struct http_response_head *head) {
    for (size_t i = 0; i < head->header_count; i++) {
        if (http_response_head_sends(head, i)) {
            out = put_field(out, head->headers[i].name, head->headers[i].value);
        }
    }
    return out;
}

size_t http1_write_head(char *out, const struct http_response_head *head,
                        const struct http1_framing *framing) {
    const char *start = out;
    out = put_status_line(out, head, framing->version_minor);
    if (framing->date.length > 0) {
        out = put_field(out, SLICE_LITERAL("date"), framing->date);
    }
    if (framing->server.length > 0) {
        out = put_field(out, SLICE_LITERAL("server"), framing->server);
    }
    out = put_application_fields(out, head);
    if (framing->content_length >= 0) {
        out = put_content_length(out, framing->content_length);
    }
    if (framing->chunked) {
        out = put(out, SLICE_LITERAL("transfer-encoding: chunked\r\n"));
    }
    if (framing->upgrade.length > 0) {
        out = put(out, framing->close ? SLICE_LITERAL("connection: upgrade, close\r\n")
                                      : SLICE_LITERAL("connection: upgrade\r\n"));
        out = put_field(out, SLICE_LITERAL("upgrade"), framing->upgrade);
    } else if (framing->close) {
        out = put(out, SLICE_LITERAL("connection: close\r\n"));
    } else if (framing->keep_alive) {
        out = put(out, SLICE_LITERAL("connection: keep-alive\r\n"));
    }
    out = put(out, SLICE_LITERAL("\r\n"));
    return (size_t)(out - start);
}

size_t http1_write_chunk_head(char *out, size_t length) {
    char digits[2 * sizeof(length)];
    size_t first = sizeof(digits);
    do {
        digits[--first] = "0123456789abcdef"[length & 0xF];
        length >>= 4;
    } while (length > 0);
    const char *start = out;
    out = put(out, slice_of(digits + first, sizeof(digits) - first));
    out = put(out, SLICE_LITERAL("\r\n"));
    return (size_t)(out - start);
}

size_t http1_trailers_bound(const struct http_header *fields, size_t count) {
    return sizeof("0\r\n\r\n") + fields_bound(fields, count);
}

size_t http1_write_trailers(char *out, const struct http_header *fields, size_t count) {
    const char *start = out;
    out = put(out, SLICE_LITERAL("0\r\n"));
    for (size_t i = 0; i < count; i++) {
        out = put_field(out, fields[i].name, fields[i].value);
    }
    out = put(out, SLICE_LITERAL("\r\n"));
    return (size_t)(out - start);
}
