/* UTF-8 validation by the table of RFC 3629 section 4, with a fast way through runs of ASCII. */
#include "base/utf8.h"

enum { CONTINUATION_LOWEST = 0x80, CONTINUATION_HIGHEST = 0xBF };

/* Sets what must follow the lead byte. Returns false when no character starts with it. */
static bool start_character(struct utf8_state *state, uint8_t lead) {
    uint8_t lowest = CONTINUATION_LOWEST;
    uint8_t highest = CONTINUATION_HIGHEST;
    uint8_t remaining = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        remaining = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        remaining = 2;
        if (lead == 0xE0) {
            lowest = 0xA0; /* below: overlong */
        } else if (lead == 0xED) {
            highest = 0x9F; /* above: UTF-16 surrogates */
        }
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        remaining = 3;
        if (lead == 0xF0) {
            lowest = 0x90; /* below: overlong */
        } else if (lead == 0xF4) {
            highest = 0x8F; /* above: past U+10FFFF */
        }
    }
    *state = (struct utf8_state){remaining, lowest, highest};
    return remaining > 0;
}

static size_t skip_ascii(const char *data, size_t length) {
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, data + i, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    while (i < length && (uint8_t)data[i] < 0x80) {
        i++;
    }
    return i;
}

bool utf8_feed(struct utf8_state *state, struct slice bytes) {
    size_t i = 0;
    while (i < bytes.length) {
        if (state->remaining == 0) {
            i += skip_ascii(bytes.data + i, bytes.length - i);
            if (i == bytes.length) {
                return true;
            }
            if (!start_character(state, (uint8_t)bytes.data[i++])) {
                return false;
            }
            continue;
        }
        uint8_t byte = (uint8_t)bytes.data[i++];
        if (byte < state->lowest || byte > state->highest) {
            return false;
        }
        state->remaining--;
        state->lowest = CONTINUATION_LOWEST;
        state->highest = CONTINUATION_HIGHEST;
    }
    return true;
}
