/* struct buffer: growth, consumption, and that a failure changes nothing. */
#include "base/buffer.h"

#include "base/memory.h"
#include "check.h"

static void check_growth(void) {
    struct buffer buffer = BUFFER_EMPTY;
    char expected[5000];
    for (size_t i = 0; i < sizeof(expected); i++) {
        expected[i] = (char)(i * 7);
        CHECK(buffer_append(&buffer, slice_of(&expected[i], 1)) == STATUS_OK);
    }
    CHECK_TEXT(buffer_slice(&buffer), slice_of(expected, sizeof(expected)));
    CHECK(buffer.capacity < 2 * sizeof(expected));
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 4990);
    CHECK_TEXT(buffer_slice(&buffer), slice_of(expected + 4990, 10));
    buffer_consume(&buffer, 11);
    CHECK(buffer.length == 0 && buffer.data != NULL);
    buffer_release(&buffer);
    CHECK(buffer.data == NULL && buffer.capacity == 0);
    CHECK_TEXT(buffer_slice(&buffer), SLICE_EMPTY);
}

static void check_reserve(void) {
    struct buffer buffer = BUFFER_EMPTY;
    CHECK(buffer_append(&buffer, SLICE_EMPTY) == STATUS_OK);
    CHECK(buffer.data == NULL);
    CHECK(buffer_reserve(&buffer, 1000) == STATUS_OK);
    char *data = buffer.data;
    CHECK(buffer_append(&buffer, SLICE_LITERAL("abc")) == STATUS_OK);
    CHECK(buffer_reserve(&buffer, 997) == STATUS_OK);
    CHECK(buffer.data == data);
    CHECK(buffer_reserve(&buffer, SIZE_MAX) == STATUS_NO_MEMORY);
    CHECK(buffer_reserve(&buffer, SIZE_MAX / 2) == STATUS_NO_MEMORY);
    CHECK_TEXT(buffer_slice(&buffer), SLICE_LITERAL("abc"));
    buffer_release(&buffer);
}

static void check_failure(void) {
    struct buffer buffer = BUFFER_EMPTY;
    memory_set_failure(1);
    CHECK(buffer_append(&buffer, SLICE_LITERAL("abc")) == STATUS_NO_MEMORY);
    CHECK(buffer.data == NULL && buffer.length == 0);
    CHECK(buffer_append(&buffer, SLICE_LITERAL("abc")) == STATUS_OK);
    memory_set_failure(1);
    CHECK(buffer_reserve(&buffer, 100000) == STATUS_NO_MEMORY);
    CHECK_TEXT(buffer_slice(&buffer), SLICE_LITERAL("abc"));
    buffer_release(&buffer);
}

int main(void) {
    check_growth();
    check_reserve();
    check_failure();
    return check_report();
}
