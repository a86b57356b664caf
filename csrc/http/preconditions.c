/* Evaluating conditional requests. A date or tag that is none is as if it were not there, but for
 * If-Match, where it fails. */
#include "http/preconditions.h"

#include "http/http_date.h"

struct entity_tag {
    struct slice opaque; /* with its quotes */
    bool is_weak;
};

static bool is_between_elements(char c) {
    return c == ',' || c == ' ' || c == '\t';
}

/* Takes a tag off the front of *text. A comma may stand inside its quotes. */
static bool take_tag(struct slice *text, struct entity_tag *tag) {
    tag->is_weak = text->length > 2 && text->data[0] == 'W' && text->data[1] == '/';
    *text = slice_without_front(*text, tag->is_weak ? 2 : 0);
    if (text->length < 2 || text->data[0] != '"') {
        return false;
    }
    const char *end = memchr(text->data + 1, '"', text->length - 1);
    if (end == NULL) {
        return false;
    }
    tag->opaque = slice_of(text->data, (size_t)(end - text->data) + 1);
    *text = slice_without_front(*text, tag->opaque.length);
    return true;
}

/* Takes the next tag off a list; false at its end, and at what is no tag. */
static bool next_tag(struct slice *list, struct entity_tag *tag) {
    while (list->length > 0 && is_between_elements(list->data[0])) {
        *list = slice_without_front(*list, 1);
    }
    return list->length > 0 && take_tag(list, tag);
}

static bool list_has(struct slice list, struct slice etag, bool is_strong) {
    struct entity_tag tag;
    if (slice_equals(list, SLICE_LITERAL("*"))) {
        return true;
    }
    while (next_tag(&list, &tag)) {
        if (slice_equals(tag.opaque, etag) && !(is_strong && tag.is_weak)) {
            return true;
        }
    }
    return false;
}

/* Sets *is_there when the header is; true when one of its lines has the tag. */
static bool header_has(const struct http_request_head *head, struct slice name, struct slice etag,
                       bool is_strong, bool *is_there) {
    *is_there = false;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (slice_equals(header->name, name)) {
            *is_there = true;
            if (list_has(header->value, etag, is_strong)) {
                return true;
            }
        }
    }
    return false;
}

/* Sets *second to a header's date; false when there is none, or none to compare it with. */
static bool find_date(const struct http_request_head *head, const struct validators *validators,
                      struct slice name, int64_t *second) {
    const struct http_header *header = http_request_head_find(head, name);
    return header != NULL && validators->last_modified != VALIDATORS_NO_DATE &&
           http_date_parse(header->value, second);
}

enum precondition preconditions_check(const struct http_request_head *head,
                                      const struct validators *validators) {
    bool is_there;
    int64_t date;
    bool has = header_has(head, SLICE_LITERAL("if-match"), validators->etag, true, &is_there);
    if (is_there ? !has
                 : find_date(head, validators, SLICE_LITERAL("if-unmodified-since"), &date) &&
                       validators->last_modified > date) {
        return PRECONDITION_FAILED;
    }
    has = header_has(head, SLICE_LITERAL("if-none-match"), validators->etag, false, &is_there);
    if (is_there ? has
                 : find_date(head, validators, SLICE_LITERAL("if-modified-since"), &date) &&
                       validators->last_modified <= date) {
        return PRECONDITION_NOT_MODIFIED;
    }
    return PRECONDITION_HOLDS;
}

bool preconditions_allow_range(const struct http_request_head *head,
                               const struct validators *validators) {
    const struct http_header *header = http_request_head_find(head, SLICE_LITERAL("if-range"));
    if (header == NULL) {
        return true;
    }
    struct slice value = header->value;
    struct entity_tag tag;
    int64_t date;
    if (take_tag(&value, &tag)) {
        return !tag.is_weak && value.length == 0 && slice_equals(tag.opaque, validators->etag);
    }
    return http_date_parse(header->value, &date) && date == validators->last_modified;
}
