/* Splits request-targets. Slices of the caller's bytes only. */
#include "http/request_target.h"

#include "http/header_rules.h"

/* Printable ASCII but '#'. */
static bool has_only_target_bytes(struct slice target) {
    for (size_t i = 0; i < target.length; i++) {
        uint8_t byte = (uint8_t)target.data[i];
        if (byte <= ' ' || byte == '#' || byte >= 0x7F) {
            return false;
        }
    }
    return true;
}

static void split_path(struct http_request_head *head, struct slice text) {
    const char *mark = memchr(text.data, '?', text.length);
    size_t path_length = mark != NULL ? (size_t)(mark - text.data) : text.length;
    head->path = path_length > 0 ? slice_of(text.data, path_length) : SLICE_LITERAL("/");
    head->query = mark != NULL ? slice_of(mark + 1, text.length - path_length - 1) : SLICE_EMPTY;
}

/* Takes "<scheme>://" off the text, in any case of its letters. */
static bool take_scheme(struct slice *text, struct slice prefix) {
    if (text->length < prefix.length ||
        !slice_equals_ignoring_case(slice_of(text->data, prefix.length), prefix)) {
        return false;
    }
    *text = slice_of(text->data + prefix.length, text->length - prefix.length);
    return true;
}

/* absolute-form, sent to proxies; a server must take it (RFC 9112 section 3.2.2). */
static bool split_absolute(struct http_request_head *head) {
    struct slice rest = head->target;
    if (take_scheme(&rest, SLICE_LITERAL("https://"))) {
        head->scheme = SLICE_LITERAL("https");
    } else if (take_scheme(&rest, SLICE_LITERAL("http://"))) {
        head->scheme = SLICE_LITERAL("http");
    } else {
        return false;
    }
    size_t length = 0;
    while (length < rest.length && rest.data[length] != '/' && rest.data[length] != '?') {
        length++;
    }
    /* User information ("user@host") is not part of what a Host may be: RFC 9110 section 4.2.4
     * wants it refused. */
    if (length == 0 || rest.data[0] == ':' || !header_is_host(slice_of(rest.data, length))) {
        return false;
    }
    head->authority = slice_of(rest.data, length);
    split_path(head, slice_of(rest.data + length, rest.length - length));
    return true;
}

bool request_target_split(struct http_request_head *head) {
    struct slice target = head->target;
    head->scheme = SLICE_LITERAL("http");
    head->authority = SLICE_EMPTY;
    if (target.length == 0 || !has_only_target_bytes(target)) {
        return false;
    }
    if (target.data[0] == '/') {
        split_path(head, target);
        return true;
    }
    if (slice_equals(target, SLICE_LITERAL("*"))) {
        head->path = target;
        head->query = SLICE_EMPTY;
        return slice_equals(head->method, SLICE_LITERAL("OPTIONS"));
    }
    return split_absolute(head);
}
