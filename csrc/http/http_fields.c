/* Copies of fields, in one piece of memory each. */
#include "http/http_fields.h"

#include "base/memory.h"

static struct slice copy(char **end, struct slice text) {
    struct slice copied = slice_of(*end, text.length);
    if (text.length > 0) {
        memcpy(*end, text.data, text.length);
        *end += text.length;
    }
    return copied;
}

struct http_fields *http_fields_copy(const struct http_header *fields, size_t count) {
    size_t size = sizeof(struct http_fields) + count * sizeof(*fields);
    size_t text_size = 0;
    for (size_t i = 0; i < count; i++) {
        text_size += fields[i].name.length + fields[i].value.length;
    }
    struct http_fields *copied = memory_allocate(size + text_size);
    if (copied == NULL) {
        return NULL;
    }
    char *end = (char *)copied + size;
    copied->count = count;
    for (size_t i = 0; i < count; i++) {
        copied->fields[i].name = copy(&end, fields[i].name);
        copied->fields[i].value = copy(&end, fields[i].value);
    }
    return copied;
}
