/* Responses with static files. Owns the representation until its file is the exchange's. */
#include "server/static_response.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "http/byte_range.h"
#include "http/http_date.h"
#include "http/media_type.h"
#include "http/preconditions.h"
#include "http/static_name.h"
#include "net/file.h"
#include "server/connection.h"
#include "server/exchange.h"
#include "server/server.h"

/* --- Which representation --- */

static bool open_coded(struct static_representation *representation, int directory,
                       const char *name, enum content_coding coding) {
    static const char *const endings[] = {
        [CODING_BR] = ".br", [CODING_ZSTD] = ".zst", [CODING_GZIP] = ".gz"};
    char path[STATIC_NAME_MAX];
    struct stat facts;
    int length = snprintf(path, sizeof(path), "%s%s", name, endings[coding]);
    int descriptor = length < (int)sizeof(path) ? file_open_beneath(directory, path, &facts) : -1;
    if (descriptor < 0) {
        return false;
    }
    if (facts.st_mtim.tv_sec < representation->facts.st_mtim.tv_sec) {
        close(descriptor); /* of an earlier state of the file */
        return false;
    }
    close(representation->descriptor);
    *representation = (struct static_representation){descriptor, facts, coding};
    return true;
}

bool static_representation_find(struct static_representation *representation, int directory,
                                const struct http_request_head *head, const char *name) {
    representation->coding = CODING_IDENTITY;
    representation->descriptor = file_open_beneath(directory, name, &representation->facts);
    if (representation->descriptor < 0) {
        return false;
    }
    enum content_coding codings[CODING_COUNT];
    unsigned count = content_coding_choose(head, codings);
    for (unsigned i = 0; i < count; i++) {
        if (open_coded(representation, directory, name, codings[i])) {
            break;
        }
    }
    return true;
}

/* --- Its headers --- */

enum { HEADERS_MAX = 10 };

struct static_head {
    struct http_header headers[HEADERS_MAX];
    size_t count;
    struct validators validators;
    struct http_date last_modified;
    char etag[64], cache_control[64], content_range[96];
};

static void add(struct static_head *head, struct slice name, struct slice value) {
    head->headers[head->count++] = (struct http_header){name, value};
}

static struct slice text_of(const char *text) {
    return slice_of(text, strlen(text));
}

/* The times that builds give to all files, so that they can be repeated (Nix, images of
 * containers): they do not tell one state from another. */
static bool is_of_a_build(time_t second) {
    return second == 0 || second == 1;
}

/* Not a time to come (RFC 9110 section 8.8.2.1): who has seen that would never ask again. */
static void describe_time(struct static_head *head, time_t second) {
    if (second <= time(NULL)) {
        head->validators.last_modified = second;
        add(head, SLICE_LITERAL("last-modified"), http_date_at(&head->last_modified, second));
    }
}

/* Names the state of the file and its coding: to the nanosecond, so that the tag is a strong one.
 */
static void describe_state(struct static_head *head,
                           const struct static_representation *representation) {
    const struct stat *facts = &representation->facts;
    add(head, SLICE_LITERAL("vary"), SLICE_LITERAL("accept-encoding"));
    head->validators = (struct validators){SLICE_EMPTY, VALIDATORS_NO_DATE};
    if (is_of_a_build(facts->st_mtim.tv_sec)) {
        return;
    }
    struct slice coding = content_coding_name(representation->coding);
    bool is_coded = representation->coding != CODING_IDENTITY;
    snprintf(head->etag, sizeof(head->etag), "\"%llx.%lx-%llx%s%.*s\"",
             (unsigned long long)facts->st_mtim.tv_sec, (unsigned long)facts->st_mtim.tv_nsec,
             (unsigned long long)facts->st_size, is_coded ? "-" : "",
             is_coded ? (int)coding.length : 0, coding.data);
    head->validators.etag = text_of(head->etag);
    add(head, SLICE_LITERAL("etag"), head->validators.etag);
    describe_time(head, facts->st_mtim.tv_sec);
}

/* A name with a hash is another one when the file is changed. */
static void describe_caching(struct static_head *head, const char *name, double max_age) {
    if (static_name_has_hash(text_of(name))) {
        add(head, SLICE_LITERAL("cache-control"),
            SLICE_LITERAL("public, max-age=31536000, immutable"));
    } else if (max_age >= 1) {
        snprintf(head->cache_control, sizeof(head->cache_control), "public, max-age=%.0f", max_age);
        add(head, SLICE_LITERAL("cache-control"), text_of(head->cache_control));
    } else if (max_age >= 0) {
        add(head, SLICE_LITERAL("cache-control"), SLICE_LITERAL("no-cache"));
    }
}

/* Nothing that a client has to be known for is served here, so that any page may read it. */
static void describe_origins(struct static_head *head, bool allows_all) {
    if (allows_all) {
        add(head, SLICE_LITERAL("access-control-allow-origin"), SLICE_LITERAL("*"));
    }
}

static void describe_content(struct static_head *head,
                             const struct static_representation *representation, const char *name) {
    add(head, SLICE_LITERAL("content-type"), media_type_of(text_of(name)));
    add(head, SLICE_LITERAL("accept-ranges"), SLICE_LITERAL("bytes"));
    add(head, SLICE_LITERAL("x-content-type-options"), SLICE_LITERAL("nosniff"));
    if (representation->coding != CODING_IDENTITY) {
        add(head, SLICE_LITERAL("content-encoding"), content_coding_name(representation->coding));
    }
}

/* --- Which part of it --- */

/* Only GET has ranges (RFC 9110 section 14.2). */
static enum byte_range choose_part(struct static_head *head, const struct exchange *exchange,
                                   struct file_range *part) {
    const struct http_request_head *request = exchange->request;
    const struct http_header *range = http_request_head_find(request, SLICE_LITERAL("range"));
    uint64_t size = part->length;
    if (range == NULL || !slice_equals(request->method, SLICE_LITERAL("GET")) ||
        !preconditions_allow_range(request, &head->validators)) {
        return BYTE_RANGE_NONE;
    }
    enum byte_range kind = byte_range_parse(range->value, size, &part->offset, &part->length);
    if (kind == BYTE_RANGE_PART) {
        snprintf(head->content_range, sizeof(head->content_range), "bytes %llu-%llu/%llu",
                 (unsigned long long)part->offset,
                 (unsigned long long)(part->offset + part->length - 1), (unsigned long long)size);
    } else {
        snprintf(head->content_range, sizeof(head->content_range), "bytes */%llu",
                 (unsigned long long)size);
    }
    return kind;
}

/* --- The response --- */

static int respond(struct exchange *exchange, int status, const struct static_head *head,
                   uint64_t length) {
    struct http_response_head response = {.status = status,
                                          .reason = SLICE_EMPTY,
                                          .headers = head->headers,
                                          .header_count = head->count};
    struct http_response_facts facts = {.content_length = -1};
    return exchange_respond(exchange, &response, &facts, (int64_t)length);
}

/* *Takes* the descriptor. */
static void send_part(struct exchange *exchange, int status, const struct static_head *head,
                      int descriptor, struct file_range part) {
    part.file = file_new(descriptor);
    int result =
        part.file == NULL ? STATUS_NO_MEMORY : respond(exchange, status, head, part.length);
    if (result == STATUS_OK && part.length > 0) {
        (void)exchange_send_file(exchange, &part, true);
        return;
    }
    file_unref(part.file);
    if (result == STATUS_NO_MEMORY) {
        exchange_abort(exchange);
    }
}

static void send_representation(struct exchange *exchange, struct static_head *head,
                                struct static_representation *representation, const char *name) {
    struct file_range part = {.length = (uint64_t)representation->facts.st_size};
    switch (choose_part(head, exchange, &part)) {
    case BYTE_RANGE_UNSATISFIABLE: {
        const struct http_header range = {SLICE_LITERAL("content-range"),
                                          text_of(head->content_range)};
        close(representation->descriptor);
        exchange_answer(exchange, 416, SLICE_LITERAL("Range Not Satisfiable"), &range);
        break;
    }
    case BYTE_RANGE_PART:
        describe_content(head, representation, name);
        add(head, SLICE_LITERAL("content-range"), text_of(head->content_range));
        send_part(exchange, 206, head, representation->descriptor, part);
        break;
    case BYTE_RANGE_NONE:
        describe_content(head, representation, name);
        send_part(exchange, 200, head, representation->descriptor, part);
        break;
    }
}

static bool is_to_get(const struct http_request_head *request) {
    return slice_equals(request->method, SLICE_LITERAL("GET")) ||
           slice_equals(request->method, SLICE_LITERAL("HEAD"));
}

void static_response_send(struct exchange *exchange, struct static_representation *representation,
                          const char *name) {
    static const struct http_header allow = {{"allow", 5}, {"GET, HEAD", 9}};
    const struct server_options *options = &exchange->connection->server->options;
    struct static_head head = {.count = 0};
    if (!is_to_get(exchange->request)) {
        close(representation->descriptor);
        exchange_answer(exchange, 405, SLICE_LITERAL("Method Not Allowed"), &allow);
        return;
    }
    describe_state(&head, representation);
    describe_caching(&head, name, options->static_max_age);
    describe_origins(&head, options->static_allow_all_origins);
    switch (preconditions_check(exchange->request, &head.validators)) {
    case PRECONDITION_FAILED:
        close(representation->descriptor);
        exchange_answer(exchange, 412, SLICE_LITERAL("Precondition Failed"), NULL);
        break;
    case PRECONDITION_NOT_MODIFIED:
        close(representation->descriptor);
        if (respond(exchange, 304, &head, 0) == STATUS_NO_MEMORY) {
            exchange_abort(exchange);
        }
        break;
    case PRECONDITION_HOLDS:
        send_representation(exchange, &head, representation, name);
    }
}
