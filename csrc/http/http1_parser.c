/* Joins the collected head (http1_head), llhttp and the rules. Owns the head's memory and the table
 * of its fields; never the bytes that it is fed.
 *
 *   IDLE --first byte--> HEAD --empty line--> BODY --last byte--> COMPLETE --next--> IDLE
 *   IDLE, HEAD, BODY --refused--> FAILED
 *
 * llhttp sees the whole head at once, when all its lines are there, with a request line of ours:
 * the rules for method and target are http1_rules' and request_target's. It sees the body as
 * it comes, but not the trailers: among them it would obey a Content-Length. */
#include "http/http1_parser.h"

#include <llhttp.h>

#include "base/limits.h"
#include "base/memory.h"
#include "http/header_rules.h"
#include "http/http1_head.h"
#include "http/http1_rules.h"
#include "http/http1_trailer.h"
#include "http/request_rules.h"

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "compile with -DLLHTTP_STRICT_MODE=1: without, llhttp before 9 is lenient"
#endif

enum {
    /* Bytes of chunk framing that are not counted as extensions: CRLF, 16 digits, CRLF, and 2 per
     * byte of data, so that a body of small chunks passes and one that is mostly extensions does
     * not. */
    FREE_CHUNK_FRAMING = 20,
    FREE_FRAMING_PER_BYTE = 2,
    KEPT_FIELDS = 32
};

struct http1_parser {
    const struct http1_parser_events *events;
    void *owner;
    struct http1_parser_limits limits;
    enum http1_parser_state state;
    struct http_refusal refusal;
    struct http1_head head;
    struct http_header *fields;
    size_t field_capacity;
    struct http_request_head request;
    bool is_message_complete; /* llhttp has said so */
    bool is_in_trailer;
    const char *framing_start; /* behind the last byte that was body, or counted */
    size_t framing_length;     /* of the chunk header that is being read */
    size_t framing_excess;     /* extensions of the chunks so far */
    struct http1_trailer trailer;
    llhttp_t llhttp;
};

static int fail(struct http1_parser *parser, struct http_refusal refusal) {
    parser->state = HTTP1_PARSER_FAILED;
    parser->refusal = refusal;
    return HPE_USER;
}

static int fail_as_llhttp(struct http1_parser *parser) {
    const char *reason = llhttp_get_error_reason(&parser->llhttp);
    return fail(parser, http_refuse(400, reason != NULL ? reason : "malformed request"));
}

/* ---- head ---- */

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length) {
    struct http1_parser *parser = llhttp->data;
    if (parser->request.header_count == parser->field_capacity) {
        return HPE_USER; /* two readers of the same lines disagree */
    }
    parser->fields[parser->request.header_count++] =
        (struct http_header){slice_of(at, length), SLICE_EMPTY};
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length) {
    struct http1_parser *parser = llhttp->data;
    parser->fields[parser->request.header_count - 1].value = slice_trim(slice_of(at, length));
    return 0;
}

/* Lowers the names in their buffer, checks names and values once more, and drops the names that are
 * not to be kept. */
static bool normalise_fields(struct http1_parser *parser) {
    size_t kept = 0;
    for (size_t i = 0; i < parser->request.header_count; i++) {
        struct http_header field = parser->fields[i];
        char *name = parser->head.text.data + (field.name.data - parser->head.text.data);
        if (!header_lower_token(name, field.name.length) || !header_is_value(field.value) ||
            header_has_next_line(field.value)) {
            return false;
        }
        if (request_rules_keep_name(field.name)) {
            parser->fields[kept++] = field;
        }
    }
    parser->request.header_count = kept;
    return true;
}

/* llhttp has read the lengths by itself; where it took them otherwise than the rules, somebody else
 * would too. */
static bool is_body_agreed(const llhttp_t *llhttp, const struct http_request_head *request) {
    bool is_chunked = (llhttp->flags & F_CHUNKED) != 0;
    bool has_length = (llhttp->flags & F_CONTENT_LENGTH) != 0;
    uint64_t length = request->content_length > 0 ? (uint64_t)request->content_length : 0;
    return is_chunked == request->is_chunked && has_length == (request->content_length >= 0) &&
           llhttp->content_length == length;
}

/* RFC 9112 section 3.2.2: the host that a target names counts, and the one of the Host field does
 * not. Applications read the field: they must not be given another host than a proxy in front,
 * which goes by the target, has let through. */
static void prefer_authority(struct http1_parser *parser) {
    struct slice authority = parser->request.authority;
    for (size_t i = 0; authority.length > 0 && i < parser->request.header_count; i++) {
        if (slice_equals(parser->fields[i].name, SLICE_LITERAL("host"))) {
            parser->fields[i].value = authority;
        }
    }
}

static int on_headers_complete(llhttp_t *llhttp) {
    struct http1_parser *parser = llhttp->data;
    struct http_request_head *request = &parser->request;
    if (!normalise_fields(parser)) {
        return fail(parser, http_refuse(400, "bad header field"));
    }
    struct http_refusal refusal = http1_rules_apply(request);
    if (refusal.status != 0) {
        return fail(parser, refusal);
    }
    prefer_authority(parser);
    return is_body_agreed(llhttp, request)
               ? 0
               : fail(parser, http_refuse(400, "ambiguous body length"));
}

static int reserve_fields(struct http1_parser *parser, size_t count) {
    if (count <= parser->field_capacity) {
        return STATUS_OK;
    }
    size_t capacity = count < KEPT_FIELDS ? KEPT_FIELDS : count;
    struct http_header *fields = memory_resize(parser->fields, capacity * sizeof(*fields));
    if (fields == NULL) {
        return STATUS_NO_MEMORY;
    }
    parser->fields = fields;
    parser->field_capacity = capacity;
    return STATUS_OK;
}

static llhttp_errno_t execute(struct http1_parser *parser, struct slice bytes) {
    return llhttp_execute(&parser->llhttp, bytes.data, bytes.length);
}

/* The request line as llhttp is shown it. Its method is not the request's: which ones there are is
 * for the rules to say, while llhttp's table ends where its version did. Of all methods only
 * CONNECT, which the rules refuse, has a say in where a request ends (RFC 9112 section 6.3), so
 * that llhttp reads the same body behind any other. */
static struct slice shown_request_line(const struct http1_parser *parser) {
    return parser->request.version_minor == 0 ? SLICE_LITERAL("POST / HTTP/1.0\r\n")
                                              : SLICE_LITERAL("POST / HTTP/1.1\r\n");
}

/* Returns 0, or not 0 when the parser has failed. */
static int parse_head(struct http1_parser *parser) {
    if (reserve_fields(parser, parser->head.line_count - 1) != STATUS_OK) {
        return fail(parser, http_refuse(503, "out of memory"));
    }
    parser->request = (struct http_request_head){
        .method = http1_head_method(&parser->head),
        .target = http1_head_target(&parser->head),
        .version_major = 1,
        .version_minor = parser->head.version_minor,
        .headers = parser->fields,
    };
    llhttp_reset(&parser->llhttp);
    llhttp_errno_t error = execute(parser, shown_request_line(parser));
    if (error == HPE_OK) {
        error = execute(parser, http1_head_fields(&parser->head));
    }
    if (parser->state == HTTP1_PARSER_FAILED) {
        return HPE_USER;
    }
    bool is_agreed = error == HPE_OK ? parser->request.has_body
                                     : parser->is_message_complete && !parser->request.has_body;
    return is_agreed ? 0 : fail_as_llhttp(parser);
}

static void complete(struct http1_parser *parser) {
    parser->state = HTTP1_PARSER_COMPLETE;
    parser->events->on_complete(parser->owner);
}

static size_t feed_head(struct http1_parser *parser, struct slice bytes) {
    size_t used = 0;
    struct http_refusal refusal = http1_head_collect(&parser->head, parser->limits.head_size,
                                                     parser->limits.headers, bytes, &used);
    if (refusal.status != 0) {
        fail(parser, refusal);
        return used;
    }
    if (http1_head_has_begun(&parser->head)) {
        parser->state = HTTP1_PARSER_HEAD;
    }
    if (parser->head.is_whole && parse_head(parser) == 0) {
        parser->state = HTTP1_PARSER_BODY;
        parser->events->on_head(parser->owner, &parser->request);
        if (parser->is_message_complete) {
            complete(parser);
        }
    }
    return used;
}

/* ---- body ---- */

/* Counts the bytes from framing_start up to `end` as chunk headers and what is around them. */
static int count_framing(struct http1_parser *parser, const char *end) {
    parser->framing_length += (size_t)(end - parser->framing_start);
    parser->framing_start = end;
    if (parser->framing_length + parser->framing_excess > LIMIT_CHUNK_EXTENSION_SIZE) {
        return fail(parser, http_refuse(400, "chunk extensions too large"));
    }
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length) {
    struct http1_parser *parser = llhttp->data;
    parser->framing_start = at + length;
    if (length > 0) {
        parser->events->on_body(parser->owner, slice_of(at, length));
    }
    return 0;
}

/* Pauses, for only then does llhttp say where it is. So the data begin where it goes on. */
static int on_chunk_header(llhttp_t *llhttp) {
    (void)llhttp;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp) {
    struct http1_parser *parser = llhttp->data;
    parser->is_message_complete = true;
    return HPE_PAUSED;
}

/* Behind a chunk's header, where llhttp has paused. */
static void begin_chunk(struct http1_parser *parser) {
    uint64_t size = parser->llhttp.content_length;
    size_t counted = size < LIMIT_CHUNK_EXTENSION_SIZE ? (size_t)size : LIMIT_CHUNK_EXTENSION_SIZE;
    size_t allowance = FREE_CHUNK_FRAMING + FREE_FRAMING_PER_BYTE * counted;
    size_t framing = parser->framing_excess + parser->framing_length;
    parser->framing_excess = framing > allowance ? framing - allowance : 0;
    parser->framing_length = 0;
    parser->is_in_trailer = size == 0;
    llhttp_resume(&parser->llhttp);
}

static size_t feed_body(struct http1_parser *parser, struct slice bytes) {
    parser->framing_start = bytes.data;
    llhttp_errno_t error = execute(parser, bytes);
    const char *end =
        error == HPE_OK ? bytes.data + bytes.length : llhttp_get_error_pos(&parser->llhttp);
    if (count_framing(parser, end) != 0) {
        return 0;
    }
    if (parser->is_message_complete) {
        complete(parser);
    } else if (error == HPE_PAUSED) {
        begin_chunk(parser);
    } else if (error != HPE_OK) {
        fail_as_llhttp(parser);
    }
    return (size_t)(end - bytes.data);
}

static size_t feed_trailer(struct http1_parser *parser, struct slice bytes) {
    size_t used = 0;
    struct http_refusal refusal = http1_trailer_feed(&parser->trailer, bytes, &used);
    if (refusal.status != 0) {
        fail(parser, refusal);
    } else if (parser->trailer.state == HTTP1_TRAILER_END) {
        complete(parser);
    }
    return used;
}

/* ---- life ---- */

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
    .on_chunk_header = on_chunk_header,
};

struct http1_parser *http1_parser_new(const struct http1_parser_limits *limits,
                                      const struct http1_parser_events *events, void *owner) {
    struct http1_parser *parser = memory_allocate_zeroed(sizeof(*parser));
    if (parser == NULL) {
        return NULL;
    }
    parser->events = events;
    parser->owner = owner;
    parser->limits = *limits;
    parser->refusal = HTTP_ACCEPTED;
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
    return parser;
}

size_t http1_parser_feed(struct http1_parser *parser, struct slice bytes) {
    size_t used = 0;
    while (used < bytes.length && parser->state < HTTP1_PARSER_COMPLETE) {
        struct slice rest = slice_of(bytes.data + used, bytes.length - used);
        if (parser->state != HTTP1_PARSER_BODY) {
            used += feed_head(parser, rest);
        } else if (parser->is_in_trailer) {
            used += feed_trailer(parser, rest);
        } else {
            used += feed_body(parser, rest);
        }
    }
    return used;
}

void http1_parser_next(struct http1_parser *parser) {
    if (parser->state != HTTP1_PARSER_COMPLETE) {
        return;
    }
    http1_head_clear(&parser->head);
    if (parser->field_capacity > KEPT_FIELDS) {
        memory_free(parser->fields);
        parser->fields = NULL;
        parser->field_capacity = 0;
    }
    parser->request = (struct http_request_head){0};
    parser->is_message_complete = false;
    parser->is_in_trailer = false;
    parser->framing_length = 0;
    parser->framing_excess = 0;
    parser->trailer = (struct http1_trailer){0};
    parser->state = HTTP1_PARSER_IDLE;
}

enum http1_parser_state http1_parser_state(const struct http1_parser *parser) {
    return parser->state;
}

int http1_parser_error_status(const struct http1_parser *parser) {
    return parser->refusal.status;
}

const char *http1_parser_error_reason(const struct http1_parser *parser) {
    return parser->refusal.reason;
}

void http1_parser_free(struct http1_parser *parser) {
    if (parser == NULL) {
        return;
    }
    http1_head_release(&parser->head);
    memory_free(parser->fields);
    memory_free(parser);
}
