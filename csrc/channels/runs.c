/* Runs as bytes. Holds nothing. */
#include "channels/runs.h"

#include <stdint.h>

static const char mark = (char)0xC1;

/* --- Reading --- */

/* Takes `count` bytes off. False when there are fewer. */
static bool take(struct slice *rest, size_t count, struct slice *taken) {
    if (rest->length < count) {
        return false;
    }
    *taken = slice_of(rest->data, count);
    *rest = slice_without_front(*rest, count);
    return true;
}

/* Takes a size off, and so many bytes. */
static bool take_sized(struct slice *rest, struct slice *taken) {
    uint32_t size;
    struct slice bytes;
    if (!take(rest, sizeof(size), &bytes)) {
        return false;
    }
    memcpy(&size, bytes.data, sizeof(size));
    return take(rest, size, taken);
}

bool runs_open(struct slice bytes, struct runs *runs) {
    *runs = (struct runs){.message = bytes, .rest = SLICE_EMPTY};
    if (bytes.length == 0 || bytes.data[0] != mark) {
        return true;
    }
    runs->rest = slice_without_front(bytes, 1);
    return take_sized(&runs->rest, &runs->message);
}

bool runs_next(struct runs *runs, struct run *run) {
    return take(&runs->rest, RUNS_FINGERPRINT, &run->fingerprint) &&
           take_sized(&runs->rest, &run->rest);
}

bool run_next(struct run *run, bool *is_text, struct slice *payload) {
    struct slice kind;
    if (!take(&run->rest, 1, &kind)) {
        return false;
    }
    *is_text = kind.data[0] != 0;
    return take_sized(&run->rest, payload);
}

/* --- Writing --- */

static int append_size(struct buffer *bytes, size_t length) {
    uint32_t size = (uint32_t)length;
    return buffer_append(bytes, slice_of((const char *)&size, sizeof(size)));
}

static int append_sized(struct buffer *bytes, struct slice part) {
    int status = append_size(bytes, part.length);
    return status == STATUS_OK ? buffer_append(bytes, part) : status;
}

/* The bytes of what one handler has sent. */
static size_t size_of(const struct ws_message *sent, size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += 1 + sizeof(uint32_t) + sent[i].payload.length;
    }
    return length;
}

static int append_message(struct buffer *bytes, struct slice message) {
    int status = buffer_append(bytes, slice_of(&mark, 1));
    return status == STATUS_OK ? append_sized(bytes, message) : status;
}

int runs_add(struct buffer *bytes, struct slice message, struct slice fingerprint,
             const struct ws_message *sent, size_t count) {
    bool is_first = bytes->length == 0;
    size_t before = is_first ? 1 + sizeof(uint32_t) + message.length : bytes->length;
    size_t length = size_of(sent, count);
    if (before + RUNS_FINGERPRINT + sizeof(uint32_t) + length > RUNS_MOST) {
        return STATUS_TOO_LARGE;
    }
    int status = is_first ? append_message(bytes, message) : STATUS_OK;
    status = status == STATUS_OK ? buffer_append(bytes, fingerprint) : status;
    status = status == STATUS_OK ? append_size(bytes, length) : status;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        char kind = (char)sent[i].is_text;
        status = buffer_append(bytes, slice_of(&kind, 1));
        status = status == STATUS_OK ? append_sized(bytes, sent[i].payload) : status;
    }
    return status;
}
