/* Checks and facts of response heads. Owns nothing; the headers are the application's. */
#include "http/response_head.h"

#include "base/status.h"
#include "http/header_rules.h"

static bool is_named(const struct http_header *header, struct slice name) {
    return slice_equals_ignoring_case(header->name, name);
}

/* Returns STATUS_INVALID for a Content-Length that is none, or another one than before. */
static int read_content_length(struct http_response_facts *facts, struct slice value) {
    int64_t length;
    if (!header_parse_length(slice_trim(value), &length) ||
        (facts->content_length >= 0 && facts->content_length != length)) {
        return STATUS_INVALID;
    }
    facts->content_length = length;
    return STATUS_OK;
}

static int read_header(struct http_response_facts *facts, const struct http_header *header) {
    switch (header->name.length) {
    case sizeof("date") - 1:
        facts->has_date |= is_named(header, SLICE_LITERAL("date"));
        break;
    case sizeof("server") - 1:
        facts->has_server |= is_named(header, SLICE_LITERAL("server"));
        break;
    case sizeof("connection") - 1:
        facts->closes |= is_named(header, SLICE_LITERAL("connection")) &&
                         header_has_token(header->value, SLICE_LITERAL("close"));
        break;
    case sizeof("content-length") - 1:
        if (is_named(header, SLICE_LITERAL("content-length"))) {
            return read_content_length(facts, header->value);
        }
        break;
    case sizeof("transfer-encoding") - 1:
        facts->has_transfer_encoding |= is_named(header, SLICE_LITERAL("transfer-encoding"));
        break;
    }
    return STATUS_OK;
}

int http_response_head_check(const struct http_response_head *head,
                             struct http_response_facts *facts, size_t *bad) {
    *facts = (struct http_response_facts){.content_length = -1};
    *bad = head->header_count;
    if (head->status < 100 || head->status > 999 || !header_is_value(head->reason)) {
        return STATUS_INVALID;
    }
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (!header_is_token(header->name) || !header_is_value(header->value) ||
            read_header(facts, header) != STATUS_OK) {
            *bad = i;
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

static bool comes_too_late(const struct http_header *field) {
    static const struct slice names[] = {
        {"content-length", 14},
        {"transfer-encoding", 17},
        {"trailer", 7},
        {"connection", 10},
        {"keep-alive", 10},
        {"proxy-connection", 16},
        {"upgrade", 7},
        {"te", 2},
        {"host", 4},
        {"content-encoding", 16},
        {"content-type", 12},
        {"content-range", 13},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is_named(field, names[i])) {
            return true;
        }
    }
    return false;
}

int http_response_trailers_check(const struct http_header *fields, size_t count, size_t *bad) {
    for (*bad = 0; *bad < count; ++*bad) {
        const struct http_header *field = &fields[*bad];
        if (!header_is_token(field->name) || !header_is_value(field->value) ||
            comes_too_late(field)) {
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

bool http_response_head_sends(const struct http_response_head *head, size_t index) {
    struct slice length = SLICE_LITERAL("content-length");
    if (!is_named(&head->headers[index], length)) {
        return !header_is_hop_by_hop(head->headers[index].name);
    }
    for (size_t i = 0; i < index; i++) {
        if (is_named(&head->headers[i], length)) {
            return false;
        }
    }
    return head->status >= 200 && head->status != 204;
}

/* The registered codes (IANA, HTTP Status Codes; RFC 9110 section 15 and the RFCs it names). */
#define REASONS(X)                                                                                 \
    X(100, "Continue")                                                                             \
    X(101, "Switching Protocols")                                                                  \
    X(102, "Processing")                                                                           \
    X(103, "Early Hints")                                                                          \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(203, "Non-Authoritative Information")                                                        \
    X(204, "No Content")                                                                           \
    X(205, "Reset Content")                                                                        \
    X(206, "Partial Content")                                                                      \
    X(207, "Multi-Status")                                                                         \
    X(208, "Already Reported")                                                                     \
    X(226, "IM Used")                                                                              \
    X(300, "Multiple Choices")                                                                     \
    X(301, "Moved Permanently")                                                                    \
    X(302, "Found")                                                                                \
    X(303, "See Other")                                                                            \
    X(304, "Not Modified")                                                                         \
    X(305, "Use Proxy")                                                                            \
    X(307, "Temporary Redirect")                                                                   \
    X(308, "Permanent Redirect")                                                                   \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(402, "Payment Required")                                                                     \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(407, "Proxy Authentication Required")                                                        \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(416, "Range Not Satisfiable")                                                                \
    X(417, "Expectation Failed")                                                                   \
    X(418, "I'm a Teapot")                                                                         \
    X(421, "Misdirected Request")                                                                  \
    X(422, "Unprocessable Content")                                                                \
    X(423, "Locked")                                                                               \
    X(424, "Failed Dependency")                                                                    \
    X(425, "Too Early")                                                                            \
    X(426, "Upgrade Required")                                                                     \
    X(428, "Precondition Required")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(451, "Unavailable For Legal Reasons")                                                        \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")                                                           \
    X(506, "Variant Also Negotiates")                                                              \
    X(507, "Insufficient Storage")                                                                 \
    X(508, "Loop Detected")                                                                        \
    X(511, "Network Authentication Required")

struct slice http_status_reason(int status) {
    switch (status) {
#define REASON(code, text)                                                                         \
    case code:                                                                                     \
        return SLICE_LITERAL(text);
        REASONS(REASON)
#undef REASON
    default:
        return SLICE_EMPTY;
    }
}
