/* What a WebSocket's handshake reads of header values, of any bytes: keys, versions, subprotocols,
 * offers of permessage-deflate.
 *
 * The first byte says what the server is willing to do; the rest is a copy of its own, so that the
 * sanitizer sees a byte read too far. What is agreed on is what both sides can do, and the answer,
 * taken for an offer, leads to the same. */
#include <stdlib.h>

#include "ws/ws_deflate.h"
#include "ws/ws_handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void read_key(struct slice text) {
    char accept[WS_ACCEPT_LENGTH];
    if (ws_handshake_key_is_valid(text)) {
        require(text.length == WS_KEY_LENGTH && ws_handshake_accept(text, accept));
        require(accept[WS_ACCEPT_LENGTH - 1] == '=');
    }
    require(!ws_handshake_version_is_supported(text) || text.length == 2);
}

static void read_subprotocols(struct slice text) {
    struct slice rest = text, subprotocol;
    while ((subprotocol = ws_handshake_next_subprotocol(&rest)).length > 0) {
        require(subprotocol.data >= text.data);
        require(subprotocol.data + subprotocol.length <= text.data + text.length);
        require(memchr(subprotocol.data, ',', subprotocol.length) == NULL);
    }
    require(rest.length == 0);
}

static bool has_bits(uint8_t bits, uint8_t most) {
    return bits >= WS_WINDOW_BITS_LEAST && bits <= most;
}

static void read_offers(struct slice text, const struct ws_deflate_settings *settings) {
    struct ws_deflate_terms terms = {0}, again = {0};
    char answer[WS_DEFLATE_ANSWER_MAX];
    if (!ws_deflate_choose(text, settings, &terms)) {
        return;
    }
    require(settings->is_on && ws_deflate_is_agreed(&terms));
    require(has_bits(terms.server_window_bits, settings->window_bits));
    require(has_bits(terms.client_window_bits, WS_WINDOW_BITS_MOST));
    require(settings->has_takeover || !(terms.server_has_takeover || terms.client_has_takeover));
    size_t length = ws_deflate_write_answer(&terms, answer);
    require(length <= sizeof(answer));
    require(ws_deflate_choose(slice_of(answer, length), settings, &again));
    require(again.server_window_bits == terms.server_window_bits);
    require(again.client_window_bits == terms.client_window_bits);
    require(again.server_has_takeover == terms.server_has_takeover);
    require(again.client_has_takeover == terms.client_has_takeover);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    const struct ws_deflate_settings settings = {
        .is_on = (data[0] & 0x80) == 0,
        .has_takeover = (data[0] & 1) != 0,
        .window_bits = (uint8_t)(9 + (data[0] >> 1) % 7),
        .memory_level = 8,
    };
    char *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct slice text = slice_of(copy, size - 1);
    read_key(text);
    read_subprotocols(text);
    read_offers(text, &settings);
    free(copy);
    return 0;
}
