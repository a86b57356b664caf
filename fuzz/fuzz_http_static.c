/* What static files read of a request: ranges, dates, tags, codings and paths, of any bytes.
 *
 * The first byte says which; the rest is a copy of its own, so that the sanitizer sees a byte read
 * too far. A path that is taken stays beneath, a range within the file. */
#include <stdlib.h>

#include "http/byte_range.h"
#include "http/content_coding.h"
#include "http/http_date.h"
#include "http/preconditions.h"
#include "http/static_name.h"
#include "http/url_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void read_range(struct slice text) {
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t offset = 0, length = 0;
        if (byte_range_parse(text, sizes[i], &offset, &length) == BYTE_RANGE_PART) {
            require(length > 0 && offset < sizes[i] && length <= sizes[i] - offset);
        }
    }
}

static void read_path(struct slice text) {
    char *out = malloc(text.length + 1);
    require(out != NULL);
    if (url_path_to_file(text, out)) {
        require(strlen(out) <= text.length && out[0] != '/' && out[0] != '.' && out[0] != '\0');
        require(strstr(out, "/.") == NULL && strstr(out, "//") == NULL);
        (void)static_name_has_hash(slice_of(out, strlen(out)));
    }
    free(out);
}

static void read_conditions(struct slice text) {
    static const char *const names[] = {"if-match", "if-unmodified-since", "if-none-match",
                                        "if-modified-since", "if-range"};
    const struct validators validators = {SLICE_LITERAL("\"a\""), 784111777};
    const struct validators unknown = {SLICE_EMPTY, VALIDATORS_NO_DATE};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct http_header header = {slice_of(names[i], strlen(names[i])), text};
        struct http_request_head head = {.headers = &header, .header_count = 1};
        (void)preconditions_check(&head, &validators);
        (void)preconditions_allow_range(&head, &validators);
        bool is_any = preconditions_check(&head, &unknown) == PRECONDITION_NOT_MODIFIED;
        require(!is_any || slice_equals(text, SLICE_LITERAL("*")));
        require(i < 4 || !preconditions_allow_range(&head, &unknown));
    }
}

static void read_codings(struct slice text) {
    struct http_header header = {SLICE_LITERAL("accept-encoding"), text};
    struct http_request_head head = {.headers = &header, .header_count = 1};
    enum content_coding codings[CODING_COUNT];
    require(content_coding_choose(&head, codings) <= CODING_COUNT);
}

static void read_date(struct slice text) {
    int64_t second, again;
    struct http_date date = {0, ""};
    if (http_date_parse(text, &second)) {
        require(http_date_parse(http_date_at(&date, second), &again) && again == second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct slice) = {read_range, read_path, read_conditions,
                                                    read_codings, read_date};
    if (size < 1) {
        return 0;
    }
    char *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](slice_of(copy, size - 1));
    free(copy);
    return 0;
}
