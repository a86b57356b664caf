/* One header block. Owns copies of what it is given, since the decoder's are gone with the call. */
#include "http2/http2_head.h"

#include "base/limits.h"
#include "base/memory.h"
#include "http/header_rules.h"
#include "http/request_rules.h"
#include "http/request_target.h"

/* What is kept from one request to the next. */
enum { KEPT_TEXT = 4 * 1024, KEPT_FIELDS = 32 };

/* What one pass over the fields finds. */
struct findings {
    size_t hosts;
    struct slice host;
    size_t content_types;
    size_t content_lengths;
    bool expects_continue;
    bool expects_other;
};

static void refuse(struct http2_head *head, int status, const char *reason) {
    if (head->refusal.status == 0) {
        head->refusal = http_refuse(status, reason);
    }
}

void http2_head_release(struct http2_head *head) {
    buffer_release(&head->text);
    buffer_release(&head->cookie);
    memory_free(head->fields);
    head->fields = NULL;
    head->count = head->capacity = 0;
}

void http2_head_begin(struct http2_head *head) {
    if (head->text.capacity > KEPT_TEXT || head->capacity > KEPT_FIELDS) {
        http2_head_release(head);
    }
    head->text.length = 0;
    head->cookie.length = 0;
    head->count = 1;
    head->size = head->header_count = 0;
    head->method = head->path = head->authority = head->protocol = slice_of(NULL, 0);
    head->refusal = HTTP_ACCEPTED;
}

/* --- Taking fields --- */

static void move(struct slice *slice, const char *from, const char *to) {
    if (slice->data != NULL) {
        slice->data = to + (slice->data - from);
    }
}

/* Makes room for `length` bytes of text, which may move what is there. */
static int reserve_text(struct http2_head *head, size_t length) {
    const char *before = head->text.data;
    int status = buffer_reserve(&head->text, length);
    const char *now = head->text.data;
    if (status != STATUS_OK || now == before || before == NULL) {
        return status;
    }
    struct slice *const pseudo[] = {&head->method, &head->path, &head->authority, &head->protocol};
    for (size_t i = 0; i < sizeof(pseudo) / sizeof(pseudo[0]); i++) {
        move(pseudo[i], before, now);
    }
    for (size_t i = 1; i < head->count; i++) {
        move(&head->fields[i].name, before, now);
        move(&head->fields[i].value, before, now);
    }
    return STATUS_OK;
}

/* Appends text for which there is room; returns where it stands. */
static struct slice keep(struct http2_head *head, struct slice text) {
    char *start = head->text.data + head->text.length;
    if (text.length > 0) {
        memcpy(start, text.data, text.length);
    }
    head->text.length += text.length;
    return slice_of(start, text.length);
}

static int reserve_field(struct http2_head *head) {
    if (head->count < head->capacity) {
        return STATUS_OK;
    }
    size_t capacity = head->capacity > 0 ? head->capacity * 2 : KEPT_FIELDS;
    struct http_header *fields = memory_resize(head->fields, capacity * sizeof(*fields));
    if (fields == NULL) {
        return STATUS_NO_MEMORY;
    }
    head->fields = fields;
    head->capacity = capacity;
    return STATUS_OK;
}

/* Returns where a pseudo-header field is kept; NULL for one that says nothing to us: the scheme is
 * that of the connection, whatever the client says. */
static struct slice *pseudo_of(struct http2_head *head, struct slice name) {
    if (slice_equals(name, SLICE_LITERAL(":method"))) {
        return &head->method;
    }
    if (slice_equals(name, SLICE_LITERAL(":path"))) {
        return &head->path;
    }
    if (slice_equals(name, SLICE_LITERAL(":authority"))) {
        return &head->authority;
    }
    return slice_equals(name, SLICE_LITERAL(":protocol")) ? &head->protocol : NULL;
}

/* Whether a field is within the limits; those of pseudo-header fields are of size only. */
static bool is_within(struct http2_head *head, const struct http2_head_limits *limits,
                      struct slice name, struct slice value) {
    bool is_path = slice_equals(name, SLICE_LITERAL(":path"));
    head->size += name.length + value.length + LIMIT_FIELD_OVERHEAD;
    head->header_count += name.length > 0 && name.data[0] == ':' ? 0 : 1;
    if (is_path && value.length > limits->size) {
        refuse(head, 414, "request target too long");
    } else if (head->size > limits->size) {
        refuse(head, 431, "request headers too large");
    } else if (head->header_count > limits->headers) {
        refuse(head, 431, "too many request headers");
    }
    return head->refusal.status == 0;
}

/* RFC 9113 section 8.2.3: crumbs become one field again for whoever is no HTTP/2. */
static int add_crumb(struct http2_head *head, struct slice value) {
    int status = STATUS_OK;
    if (head->cookie.length > 0) {
        status = buffer_append(&head->cookie, SLICE_LITERAL("; "));
    }
    return status == STATUS_OK ? buffer_append(&head->cookie, value) : status;
}

static int add_field(struct http2_head *head, struct slice name, struct slice value) {
    int status = reserve_field(head);
    if (status == STATUS_OK) {
        struct slice kept = keep(head, name);
        head->fields[head->count++] = (struct http_header){kept, keep(head, value)};
    }
    return status;
}

void http2_head_add(struct http2_head *head, const struct http2_head_limits *limits,
                    struct slice name, struct slice value) {
    if (!is_within(head, limits, name, value)) {
        return;
    }
    value = slice_trim(value);
    int status = reserve_text(head, name.length + value.length);
    if (status == STATUS_OK && name.data[0] == ':') {
        struct slice *pseudo = pseudo_of(head, name);
        if (pseudo != NULL) {
            *pseudo = keep(head, value);
        }
    } else if (status == STATUS_OK && slice_equals(name, SLICE_LITERAL("cookie"))) {
        status = add_crumb(head, value);
    } else if (status == STATUS_OK && request_rules_keep_name(name)) {
        status = add_field(head, name, value);
    }
    if (status != STATUS_OK) {
        refuse(head, 503, "out of memory");
    }
}

/* --- The request --- */

/* Returns false for a value that no request may have. */
static bool read_field(struct findings *found, struct http_request_head *request,
                       const struct http_header *header) {
    struct slice name = header->name;
    struct slice value = header->value;
    if (!header_is_token(name) || !header_is_value(value) || header_has_next_line(value)) {
        return false;
    }
    if (slice_equals(name, SLICE_LITERAL("host"))) {
        found->hosts++;
        found->host = value;
    } else if (slice_equals(name, SLICE_LITERAL("expect"))) {
        request_rules_read_expect(value, &found->expects_continue, &found->expects_other);
    } else if (slice_equals(name, SLICE_LITERAL("content-type"))) {
        found->content_types++;
    } else if (slice_equals(name, SLICE_LITERAL("content-length"))) {
        found->content_lengths++;
        return header_parse_length(value, &request->content_length);
    }
    return true;
}

/* The same for all of them, with the cookie, which is kept apart. */
static bool read_fields(const struct http2_head *head, struct findings *found,
                        struct http_request_head *request) {
    const struct http_header cookie = {SLICE_LITERAL("cookie"), buffer_slice(&head->cookie)};
    for (size_t i = 1; i < head->count; i++) {
        if (!read_field(found, request, &head->fields[i])) {
            return false;
        }
    }
    return read_field(found, request, &cookie);
}

/* RFC 9113 section 8.3.1: :authority and Host, where both are given, say the same. */
static struct http_refusal check_host(const struct http2_head *head, const struct findings *found) {
    if (found->hosts > 1) {
        return http_refuse(400, "several Host fields");
    }
    if (head->authority.data == NULL && found->hosts == 0) {
        return http_refuse(400, "neither :authority nor Host");
    }
    if (head->authority.data != NULL && found->hosts == 1 &&
        !slice_equals_ignoring_case(head->authority, found->host)) {
        return http_refuse(400, "Host differs from :authority");
    }
    struct slice host = head->authority.data != NULL ? head->authority : found->host;
    return header_is_host(host) ? HTTP_ACCEPTED : http_refuse(400, "bad :authority");
}

static struct http_refusal check_fields(const struct findings *found) {
    if (found->content_lengths > 1) {
        return http_refuse(400, "several Content-Length fields");
    }
    if (found->content_types > 1) {
        return http_refuse(400, "several Content-Type fields");
    }
    return found->expects_other ? http_refuse(417, "unknown expectation") : HTTP_ACCEPTED;
}

/* Of the extended CONNECT (RFC 8441 section 4) we have websocket; the plain one asks for a proxy.
 */
static struct http_refusal check_method(const struct http2_head *head,
                                        struct http_request_head *request) {
    request->upgrades_websocket =
        slice_equals(head->method, SLICE_LITERAL("CONNECT")) &&
        slice_equals_ignoring_case(head->protocol, SLICE_LITERAL("websocket"));
    if (request->upgrades_websocket) {
        return HTTP_ACCEPTED;
    }
    return head->protocol.data != NULL ? http_refuse(501, "unknown :protocol")
                                       : request_rules_check_method(head->method);
}

static bool is_path(struct slice path) {
    return path.length > 0 && (path.data[0] == '/' || path.data[0] == '*');
}

/* Puts :authority in front as the Host that it is, and the cookie at the end. */
static int arrange(struct http2_head *head, const struct findings *found,
                   struct http_request_head *request) {
    bool has_own_host = head->authority.data == NULL || found->hosts > 0;
    if (!has_own_host) {
        head->fields[0] = (struct http_header){SLICE_LITERAL("host"), head->authority};
    }
    if (head->cookie.length > 0) {
        if (reserve_field(head) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
        head->fields[head->count++] =
            (struct http_header){SLICE_LITERAL("cookie"), buffer_slice(&head->cookie)};
    }
    request->headers = head->fields + (has_own_host ? 1 : 0);
    request->header_count = head->count - (has_own_host ? 1 : 0);
    return STATUS_OK;
}

static void set_facts(const struct findings *found, bool has_body,
                      struct http_request_head *request) {
    request->has_body = has_body && !request->upgrades_websocket;
    request->expects_continue = found->expects_continue && request->has_body;
}

struct http_refusal http2_head_finish(struct http2_head *head, bool has_body,
                                      struct http_request_head *request) {
    if (head->refusal.status != 0) {
        return head->refusal;
    }
    struct findings found = {.host = SLICE_EMPTY};
    *request = (struct http_request_head){.method = head->method,
                                          .target = head->path,
                                          .version_major = 2,
                                          .keeps_alive = true,
                                          .content_length = -1};
    struct http_refusal refusal = check_method(head, request);
    if (refusal.status == 0 && (!is_path(head->path) || !request_target_split(request))) {
        return http_refuse(400, "bad :path");
    }
    if (refusal.status == 0 && !read_fields(head, &found, request)) {
        return http_refuse(400, "bad header field");
    }
    refusal = refusal.status == 0 ? check_host(head, &found) : refusal;
    refusal = refusal.status == 0 ? check_fields(&found) : refusal;
    if (refusal.status == 0 &&
        (reserve_field(head) != STATUS_OK || arrange(head, &found, request) != STATUS_OK)) {
        return http_refuse(503, "out of memory");
    }
    set_facts(&found, has_body, request);
    return refusal;
}
