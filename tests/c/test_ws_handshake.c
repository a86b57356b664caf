/* The opening handshake's rules on header values. Each value is given in memory of exactly its
 * length, so that AddressSanitizer sees a byte read too far. */
#include <stdlib.h>

#include "check.h"
#include "ws/ws_handshake.h"

static struct slice exact_copy(const char *text, size_t length) {
    char *data = malloc(length > 0 ? length : 1);
    CHECK(data != NULL);
    memcpy(data, text, length);
    return slice_of(data, length);
}

static bool key_is_valid(const char *key) {
    struct slice copy = exact_copy(key, strlen(key));
    bool is_valid = ws_handshake_key_is_valid(copy);
    free((char *)copy.data);
    return is_valid;
}

static void test_keys(void) {
    CHECK(key_is_valid("dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK(key_is_valid("AAAAAAAAAAAAAAAAAAAAAA=="));
    CHECK(key_is_valid("+/+/+/+/+/+/+/+/+/+/+A=="));
    CHECK(key_is_valid("dGhlIHNhbXBsZSBub25jZR==")); /* spare bits are set: never decoded */
    static const char *const bad[] = {
        "",
        "=",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQA=", /* 17 bytes */
        "dGhlIHNhbXBsZSBub25jZQAA", /* 18 bytes */
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZ=Q=",
        "dGhlIHNhbXBsZSBub25jZQ= ",
        " GhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbX-sZSBub25jZQ==", /* the URL-safe alphabet is another one */
        "dGhlIHNhbX_sZSBub25jZQ==",
        "dGhlIHNhbX\xc3\xa9ZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!key_is_valid(bad[i]));
    }
    CHECK(!ws_handshake_key_is_valid(slice_of("dGhlIHNhbX\0sZSBub25jZQ==", 24)));
}

/* Every byte at every place of a key: only the alphabet's 64 before the padding, only '=' in it. */
static void test_every_byte_of_a_key(void) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t place = 0; place < WS_KEY_LENGTH; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
            key[place] = (char)byte;
            bool expected = place < 22 ? byte != 0 && strchr(alphabet, byte) != NULL : byte == '=';
            CHECK(ws_handshake_key_is_valid(slice_of(key, WS_KEY_LENGTH)) == expected);
        }
    }
}

static void check_accept(const char *key, const char *expected) {
    char accept[WS_ACCEPT_LENGTH + 1];
    memset(accept, '?', sizeof(accept));
    struct slice copy = exact_copy(key, strlen(key));
    CHECK(ws_handshake_accept(copy, accept));
    CHECK(memcmp(accept, expected, WS_ACCEPT_LENGTH) == 0);
    CHECK(accept[WS_ACCEPT_LENGTH] == '?');
    free((char *)copy.data);
}

static void test_accept(void) {
    check_accept("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455, 1.3 */
    check_accept("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
}

static void test_version(void) {
    CHECK(ws_handshake_version_is_supported(SLICE_LITERAL("13")));
    static const char *const bad[] = {"", "1", "3", "8", "013", "13 ", "13, 8", "130", "14"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!ws_handshake_version_is_supported(slice_of(bad[i], strlen(bad[i]))));
    }
}

/* `expected` lists the subprotocols, each followed by '|'. */
static void check_subprotocols(const char *value, const char *expected) {
    struct slice copy = exact_copy(value, strlen(value));
    struct slice rest = copy;
    char found[256] = "";
    size_t length = 0;
    for (;;) {
        struct slice subprotocol = ws_handshake_next_subprotocol(&rest);
        if (subprotocol.length == 0) {
            break;
        }
        memcpy(found + length, subprotocol.data, subprotocol.length);
        length += subprotocol.length;
        found[length++] = '|';
    }
    CHECK(strcmp(found, expected) == 0);
    CHECK(rest.length == 0);
    CHECK(ws_handshake_next_subprotocol(&rest).length == 0);
    free((char *)copy.data);
}

static void test_subprotocols(void) {
    check_subprotocols("", "");
    check_subprotocols("chat", "chat|");
    check_subprotocols("chat, superchat", "chat|superchat|");
    check_subprotocols("chat,superchat", "chat|superchat|");
    check_subprotocols(" \tchat \t,\t superchat\t ", "chat|superchat|");
    check_subprotocols(",, chat, ,superchat,,", "chat|superchat|");
    check_subprotocols(" , \t ,", "");
    check_subprotocols("a b, c", "a b|c|");
}

int main(void) {
    test_keys();
    test_every_byte_of_a_key();
    test_accept();
    test_version();
    test_subprotocols();
    return check_report();
}
