/* Lines of a request's head. Owns the buffer; the bytes that are fed stay the caller's. */
#include "http/http1_head.h"

#include "http/header_rules.h"

enum {
    /* RFC 9112 section 2.2 asks to ignore "at least one" empty line before the request line. */
    EMPTY_LINES = 8,
    /* What an idle connection may keep: the heads of nearly all requests fit. */
    KEPT_CAPACITY = 4096,
    /* Memory taken at once, before the head's size is known. */
    EXPECTED_SIZE = 1024,
    /* The first byte of a TLS connection: a record of this type (RFC 8446 section 5.1). */
    TLS_HANDSHAKE = 0x16
};

/* Looks at the method as it comes in, so that bytes of another protocol (TLS, say) are refused at
 * once and not when a line feed turns up in them. */
static struct http_refusal scan_method(struct http1_head *head) {
    const char *line = head->text.data;
    while (head->method_length == 0 && head->scanned < head->text.length) {
        size_t i = head->scanned;
        if (line[i] == ' ' && i > 0) {
            head->method_length = i;
        } else if (line[i] == '\r' && i == 0) {
            if (head->text.length > 1 && line[1] != '\n') {
                return http_refuse(400, "CR without LF");
            }
            return HTTP_ACCEPTED;
        } else if (i == 0 && line[0] == TLS_HANDSHAKE) {
            return http_refuse(400,
                               "TLS (https:// or wss://) on a port for plain HTTP: use http:// or "
                               "ws://, or have a proxy in front speak TLS");
        } else if (!header_is_token(slice_of(line + i, 1))) {
            return http_refuse(400, "method is not a token");
        }
        head->scanned++;
    }
    return HTTP_ACCEPTED;
}

static struct http_refusal read_version(struct http1_head *head, struct slice version) {
    bool has_shape = version.length == sizeof("HTTP/1.1") - 1 &&
                     memcmp(version.data, "HTTP/", 5) == 0 && version.data[5] >= '0' &&
                     version.data[5] <= '9' && version.data[6] == '.' && version.data[7] >= '0' &&
                     version.data[7] <= '9';
    if (!has_shape || version.data[5] == '0') {
        return http_refuse(400, "bad request line");
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        return http_refuse(505, "HTTP version not supported");
    }
    head->version_minor = (uint8_t)(version.data[7] - '0');
    return HTTP_ACCEPTED;
}

/* method SP request-target SP HTTP-version (RFC 9112 section 3), with exactly these two spaces. */
static struct http_refusal read_request_line(struct http1_head *head, struct slice line) {
    const char *target = line.data + head->method_length + 1;
    const char *end = line.data + line.length;
    const char *space = memchr(target, ' ', (size_t)(end - target));
    if (space == NULL || space == target) {
        return http_refuse(400, "bad request line");
    }
    head->target_length = (size_t)(space - target);
    return read_version(head, slice_of(space + 1, (size_t)(end - space - 1)));
}

/* Makes the tabs around a field's value spaces: they mean the same (RFC 9112 section 5), and llhttp
 * does not take them around every value. */
static void blank_tabs(char *line, size_t length) {
    char *colon = memchr(line, ':', length);
    for (char *c = colon == NULL ? line + length : colon + 1;
         c < line + length && (*c == ' ' || *c == '\t'); c++) {
        *c = ' ';
    }
    for (char *c = line + length; c > line && (c[-1] == ' ' || c[-1] == '\t'); c--) {
        c[-1] = ' ';
    }
}

/* `line` is without its LF. */
static struct http_refusal end_line(struct http1_head *head, size_t fields, struct slice line) {
    const char *cr = memchr(line.data, '\r', line.length);
    if (cr == NULL || cr != line.data + line.length - 1) {
        return http_refuse(400, "line does not end with CRLF");
    }
    line.length--;
    head->line_start = head->text.length;
    if (head->line_count == 0) {
        if (line.length == 0) {
            head->text.length = 0;
            head->line_start = 0;
            return ++head->empty_lines <= EMPTY_LINES ? HTTP_ACCEPTED
                                                      : http_refuse(400, "too many empty lines");
        }
        head->line_count = 1;
        return read_request_line(head, line);
    }
    if (line.length == 0) {
        head->is_whole = true;
        return HTTP_ACCEPTED;
    }
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return http_refuse(400, "line folding");
    }
    blank_tabs(head->text.data + (line.data - head->text.data), line.length);
    /* The count has the request line in it. */
    return head->line_count++ <= fields ? HTTP_ACCEPTED
                                        : http_refuse(431, "too many header fields");
}

struct http_refusal http1_head_collect(struct http1_head *head, size_t size, size_t fields,
                                       struct slice bytes, size_t *used) {
    struct http_refusal refusal = HTTP_ACCEPTED;
    *used = 0;
    while (*used < bytes.length && !head->is_whole && refusal.status == 0) {
        const char *from = bytes.data + *used;
        size_t room = size - head->text.length;
        size_t count = bytes.length - *used < room ? bytes.length - *used : room;
        if (count == 0) {
            return head->line_count == 0 ? http_refuse(414, "request line too long")
                                         : http_refuse(431, "request head too large");
        }
        const char *newline = memchr(from, '\n', count);
        if (newline != NULL) {
            count = (size_t)(newline - from) + 1;
        }
        size_t expected = head->text.capacity == 0 && count < EXPECTED_SIZE ? EXPECTED_SIZE : count;
        if (buffer_reserve(&head->text, expected) != STATUS_OK) {
            return http_refuse(503, "out of memory");
        }
        buffer_append(&head->text, slice_of(from, count));
        *used += count;
        if (head->line_count == 0) {
            refusal = scan_method(head);
        }
        if (newline != NULL && refusal.status == 0) {
            const char *line = head->text.data + head->line_start;
            refusal =
                end_line(head, fields, slice_of(line, head->text.length - head->line_start - 1));
        }
    }
    return refusal;
}

void http1_head_clear(struct http1_head *head) {
    struct buffer text = head->text;
    if (text.capacity > KEPT_CAPACITY) {
        buffer_release(&text);
    }
    text.length = 0;
    *head = (struct http1_head){.text = text};
}

void http1_head_release(struct http1_head *head) {
    buffer_release(&head->text);
    *head = (struct http1_head){.text = BUFFER_EMPTY};
}
