/* Rules over a whole head. Owns nothing, allocates nothing. */
#include "http/http1_rules.h"

#include "http/header_rules.h"
#include "http/request_rules.h"
#include "http/request_target.h"

/* What one pass over the fields finds. Fields that may come in several lines are one list (RFC 9110
 * section 5.3). */
struct findings {
    size_t hosts;
    size_t content_types;
    size_t content_lengths;
    size_t codings;         /* of Transfer-Encoding */
    size_t chunked_codings; /* of these, "chunked" */
    bool last_is_chunked;
    bool close;
    bool keep_alive;
    bool upgrade;
    bool websocket;
    bool expects_continue;
    bool expects_other;
};

static void read_transfer_encoding(struct findings *found, struct slice list) {
    struct slice coding;
    while ((coding = header_next_element(&list)).length > 0) {
        found->last_is_chunked = slice_equals_ignoring_case(coding, SLICE_LITERAL("chunked"));
        found->chunked_codings += found->last_is_chunked ? 1 : 0;
        found->codings++;
    }
}

static void read_connection(struct findings *found, struct slice list) {
    struct slice option;
    while ((option = header_next_element(&list)).length > 0) {
        found->close |= slice_equals_ignoring_case(option, SLICE_LITERAL("close"));
        found->keep_alive |= slice_equals_ignoring_case(option, SLICE_LITERAL("keep-alive"));
        found->upgrade |= slice_equals_ignoring_case(option, SLICE_LITERAL("upgrade"));
    }
}

/* Returns false for a value that no request may have. The length of a name tells most fields apart.
 */
static bool read_field(struct findings *found, struct http_request_head *request,
                       const struct http_header *header) {
    struct slice name = header->name;
    struct slice value = header->value;
    switch (name.length) {
    case sizeof("host") - 1:
        if (slice_equals(name, SLICE_LITERAL("host"))) {
            found->hosts++;
            return header_is_host(value);
        }
        break;
    case sizeof("expect") - 1:
        if (slice_equals(name, SLICE_LITERAL("expect"))) {
            request_rules_read_expect(value, &found->expects_continue, &found->expects_other);
        }
        break;
    case sizeof("upgrade") - 1:
        if (slice_equals(name, SLICE_LITERAL("upgrade"))) {
            found->websocket |= header_has_token(value, SLICE_LITERAL("websocket"));
        }
        break;
    case sizeof("connection") - 1:
        if (slice_equals(name, SLICE_LITERAL("connection"))) {
            read_connection(found, value);
        }
        break;
    case sizeof("content-type") - 1:
        found->content_types += slice_equals(name, SLICE_LITERAL("content-type")) ? 1 : 0;
        break;
    case sizeof("content-length") - 1:
        if (slice_equals(name, SLICE_LITERAL("content-length"))) {
            found->content_lengths++;
            return header_parse_length(value, &request->content_length);
        }
        break;
    case sizeof("transfer-encoding") - 1:
        if (slice_equals(name, SLICE_LITERAL("transfer-encoding"))) {
            read_transfer_encoding(found, value);
            return found->codings > 0;
        }
        break;
    }
    return true;
}

/* How long the body is (RFC 9112 section 6.3). All doubts are refused: what one side of a proxy
 * takes for body, the other must not take for a request. */
static struct http_refusal check_framing(const struct findings *found,
                                         const struct http_request_head *request) {
    if (found->content_lengths > 1) {
        return http_refuse(400, "several Content-Length fields");
    }
    if (found->codings == 0) {
        return HTTP_ACCEPTED;
    }
    if (found->content_lengths > 0) {
        return http_refuse(400, "Transfer-Encoding with Content-Length");
    }
    if (request->version_minor == 0) {
        return http_refuse(400, "Transfer-Encoding in HTTP/1.0");
    }
    if (!found->last_is_chunked) {
        return http_refuse(400, "Transfer-Encoding does not end in chunked");
    }
    if (found->chunked_codings > 1) {
        return http_refuse(400, "chunked twice");
    }
    if (found->codings > 1) {
        return http_refuse(501, "unknown Transfer-Encoding");
    }
    return HTTP_ACCEPTED;
}

static struct http_refusal check_fields(const struct findings *found,
                                        const struct http_request_head *request) {
    if (found->hosts > 1) {
        return http_refuse(400, "several Host fields");
    }
    if (found->hosts == 0 && request->version_minor > 0) {
        return http_refuse(400, "no Host field");
    }
    if (found->content_types > 1) {
        return http_refuse(400, "several Content-Type fields");
    }
    /* An HTTP/1.0 client does not mean it (RFC 9110 section 10.1.1). */
    if (found->expects_other && request->version_minor > 0) {
        return http_refuse(417, "unknown expectation");
    }
    return HTTP_ACCEPTED;
}

static void set_facts(const struct findings *found, struct http_request_head *request) {
    bool is_modern = request->version_minor > 0;
    request->is_chunked = found->codings > 0;
    request->has_body = request->is_chunked || request->content_length > 0;
    request->keeps_alive = !found->close && (is_modern || found->keep_alive);
    request->expects_continue = is_modern && request->has_body && found->expects_continue;
    request->upgrades_websocket = found->upgrade && found->websocket;
}

struct http_refusal http1_rules_apply(struct http_request_head *request) {
    struct findings found = {0};
    request->content_length = -1;
    struct http_refusal refusal = request_rules_check_method(request->method);
    if (refusal.status != 0) {
        return refusal;
    }
    if (!request_target_split(request)) {
        return http_refuse(400, "bad request target");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        if (!read_field(&found, request, &request->headers[i])) {
            return http_refuse(400, "bad header value");
        }
    }
    refusal = check_framing(&found, request);
    if (refusal.status == 0) {
        refusal = check_fields(&found, request);
    }
    if (refusal.status == 0) {
        set_facts(&found, request);
    }
    return refusal;
}
