/* Reading offers of permessage-deflate and choosing among them. Owns nothing and keeps no state. */
#include "ws/ws_deflate.h"

/* RFC 9110 section 5.6.2. */
static bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip_space(struct slice *rest) {
    while (rest->length > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        *rest = slice_without_front(*rest, 1);
    }
}

/* Takes `c` off *rest, if it comes next, and the space around it. */
static bool take(struct slice *rest, char c) {
    skip_space(rest);
    if (rest->length == 0 || rest->data[0] != c) {
        return false;
    }
    *rest = slice_without_front(*rest, 1);
    skip_space(rest);
    return true;
}

/* Takes a token off *rest; empty when there is none. */
static struct slice take_token(struct slice *rest) {
    size_t length = 0;
    while (length < rest->length && is_token_character(rest->data[length])) {
        length++;
    }
    struct slice token = slice_of(rest->data, length);
    *rest = slice_without_front(*rest, length);
    return token;
}

/* A parameter's value: a token, or one in quotes (RFC 6455 section 9.1). Empty when it is neither.
 */
static struct slice take_value(struct slice *rest) {
    if (!take(rest, '"')) {
        return take_token(rest);
    }
    struct slice token = take_token(rest);
    return take(rest, '"') ? token : SLICE_EMPTY;
}

/* What one offer asks for; bits are 0 where it names none. */
struct offer {
    bool is_acceptable;
    bool has_server_no_takeover, has_client_no_takeover;
    bool has_server_bits, has_client_bits;
    uint8_t server_bits, client_bits;
};

/* Returns the bits that `value` says, 0 for what is no number of a window (no leading zeros). */
static uint8_t read_bits(struct slice value) {
    if (value.length == 0 || value.length > 2) {
        return 0;
    }
    int bits = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || (i == 0 && value.data[i] == '0')) {
            return 0;
        }
        bits = bits * 10 + (value.data[i] - '0');
    }
    return bits >= WS_WINDOW_BITS_LEAST && bits <= WS_WINDOW_BITS_MOST ? (uint8_t)bits : 0;
}

/* Sets *flag, once: false when it is set already. */
static bool set_once(bool *flag) {
    bool is_first = !*flag;
    *flag = true;
    return is_first;
}

/* Notes a parameter. False when it is unknown, doubled, or has a wrong value (RFC 7692
 * section 7.1). */
static bool take_parameter(struct offer *offer, struct slice name, bool has_value,
                           struct slice value) {
    if (slice_equals(name, SLICE_LITERAL("server_no_context_takeover"))) {
        return !has_value && set_once(&offer->has_server_no_takeover);
    }
    if (slice_equals(name, SLICE_LITERAL("client_no_context_takeover"))) {
        return !has_value && set_once(&offer->has_client_no_takeover);
    }
    if (slice_equals(name, SLICE_LITERAL("server_max_window_bits"))) {
        offer->server_bits = read_bits(value);
        return offer->server_bits > 0 && set_once(&offer->has_server_bits);
    }
    if (slice_equals(name, SLICE_LITERAL("client_max_window_bits"))) {
        offer->client_bits = read_bits(value);
        return (offer->client_bits > 0 || !has_value) && set_once(&offer->has_client_bits);
    }
    return false;
}

/* Takes one extension with its parameters off *rest. False when the syntax is broken. */
static bool take_offer(struct slice *rest, struct offer *offer) {
    skip_space(rest);
    struct slice extension = take_token(rest);
    *offer = (struct offer){.is_acceptable =
                                slice_equals(extension, SLICE_LITERAL("permessage-deflate"))};
    if (extension.length == 0) {
        return false;
    }
    while (take(rest, ';')) {
        struct slice name = take_token(rest);
        bool has_value = take(rest, '=');
        struct slice value = has_value ? take_value(rest) : SLICE_EMPTY;
        if (name.length == 0 || (has_value && value.length == 0)) {
            return false;
        }
        offer->is_acceptable &= take_parameter(offer, name, has_value, value);
    }
    skip_space(rest);
    return rest->length == 0 || rest->data[0] == ',';
}

static uint8_t fewer(uint8_t ours, uint8_t theirs) {
    return theirs > 0 && theirs < ours ? theirs : ours;
}

/* A client may be told not to take its context over, and to be content with a window of ours
 * smaller than it has offered; its own is only limited if it has said that it can be. */
static struct ws_deflate_terms agree(const struct offer *offer,
                                     const struct ws_deflate_settings *settings) {
    return (struct ws_deflate_terms){
        .server_window_bits = fewer(settings->window_bits, offer->server_bits),
        .client_window_bits = offer->has_client_bits
                                  ? fewer(settings->window_bits, offer->client_bits)
                                  : WS_WINDOW_BITS_MOST,
        .server_has_takeover = settings->has_takeover && !offer->has_server_no_takeover,
        .client_has_takeover = settings->has_takeover && !offer->has_client_no_takeover,
        .names_server_bits = offer->has_server_bits,
        .names_client_bits = offer->has_client_bits,
    };
}

bool ws_deflate_choose(struct slice offers, const struct ws_deflate_settings *settings,
                       struct ws_deflate_terms *terms) {
    while (settings->is_on) {
        while (take(&offers, ',')) {
        } /* empty list elements are passed over (RFC 9110 section 5.6.1.2) */
        struct offer offer;
        if (offers.length == 0 || !take_offer(&offers, &offer)) {
            return false;
        }
        if (offer.is_acceptable) {
            *terms = agree(&offer, settings);
            return true;
        }
    }
    return false;
}

static size_t append(char *answer, size_t length, struct slice text) {
    memcpy(answer + length, text.data, text.length);
    return length + text.length;
}

static size_t append_bits(char *answer, size_t length, struct slice name, uint8_t bits) {
    length = append(answer, length, name);
    if (bits >= 10) {
        answer[length++] = (char)('0' + bits / 10);
    }
    answer[length++] = (char)('0' + bits % 10);
    return length;
}

size_t ws_deflate_write_answer(const struct ws_deflate_terms *terms,
                               char answer[WS_DEFLATE_ANSWER_MAX]) {
    size_t length = append(answer, 0, SLICE_LITERAL("permessage-deflate"));
    if (!terms->server_has_takeover) {
        length = append(answer, length, SLICE_LITERAL("; server_no_context_takeover"));
    }
    if (!terms->client_has_takeover) {
        length = append(answer, length, SLICE_LITERAL("; client_no_context_takeover"));
    }
    if (terms->names_server_bits) {
        length = append_bits(answer, length, SLICE_LITERAL("; server_max_window_bits="),
                             terms->server_window_bits);
    }
    if (terms->names_client_bits) {
        length = append_bits(answer, length, SLICE_LITERAL("; client_max_window_bits="),
                             terms->client_window_bits);
    }
    return length;
}
