/* The terms of permessage-deflate: what a client may offer, what is declined, what is answered. */
#include "check.h"
#include "ws/ws_deflate.h"

static struct ws_deflate_settings settings = {.is_on = true, .window_bits = 15};

static void check_answer(const char *offers, const char *expected) {
    struct ws_deflate_terms terms = {0};
    char answer[WS_DEFLATE_ANSWER_MAX];
    struct slice value = slice_of(offers, strlen(offers));
    size_t length = 0;
    if (ws_deflate_choose(value, &settings, &terms)) {
        CHECK(ws_deflate_is_agreed(&terms));
        length = ws_deflate_write_answer(&terms, answer);
        CHECK(length <= sizeof(answer));
    } else {
        CHECK(!ws_deflate_is_agreed(&terms));
    }
    bool is_same = slice_equals(slice_of(answer, length), slice_of(expected, strlen(expected)));
    if (!is_same) {
        fprintf(stderr, "%s: got %.*s, expected %s\n", offers, (int)length, answer, expected);
    }
    CHECK(is_same);
}

#define NO_TAKEOVER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static void test_offers(void) {
    check_answer("permessage-deflate", NO_TAKEOVER);
    check_answer("permessage-deflate; client_max_window_bits",
                 NO_TAKEOVER "; client_max_window_bits=15");
    check_answer("permessage-deflate;client_max_window_bits=10",
                 NO_TAKEOVER "; client_max_window_bits=10");
    check_answer("permessage-deflate; server_max_window_bits=8",
                 NO_TAKEOVER "; server_max_window_bits=8");
    check_answer("permessage-deflate; server_max_window_bits=\"9\"",
                 NO_TAKEOVER "; server_max_window_bits=9");
    check_answer("  permessage-deflate ;\tclient_max_window_bits ; server_max_window_bits = 15 ; "
                 "client_no_context_takeover; server_no_context_takeover ",
                 NO_TAKEOVER "; server_max_window_bits=15; client_max_window_bits=15");
}

static void test_first_offer_that_can_be_kept(void) {
    check_answer("permessage-bzip2, permessage-deflate", NO_TAKEOVER);
    check_answer("x-other; mode=\"a\", permessage-deflate; server_max_window_bits=10",
                 NO_TAKEOVER "; server_max_window_bits=10");
    check_answer("permessage-deflate; unknown, permessage-deflate; server_max_window_bits=7, "
                 "permessage-deflate; client_max_window_bits=11, permessage-deflate",
                 NO_TAKEOVER "; client_max_window_bits=11");
    check_answer(", ,permessage-deflate,", NO_TAKEOVER);
}

static void test_declined(void) {
    static const char *const declined[] = {
        "",
        ",",
        "permessage-deflate2",
        "Permessage-Deflate-x",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=1a",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=999999999999999999999",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        /* no syntax of a list of extensions */
        "permessage-deflate;",
        "permessage-deflate; ;",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"9",
        "permessage-deflate client_max_window_bits",
        "permessage-deflate=1",
        "; client_max_window_bits",
        "\"permessage-deflate\"",
    };
    for (size_t i = 0; i < sizeof(declined) / sizeof(declined[0]); i++) {
        check_answer(declined[i], "");
    }
}

static void test_settings(void) {
    settings = (struct ws_deflate_settings){.is_on = true, .window_bits = 10, .has_takeover = true};
    check_answer("permessage-deflate", "permessage-deflate");
    check_answer("permessage-deflate; client_no_context_takeover",
                 "permessage-deflate; client_no_context_takeover");
    check_answer("permessage-deflate; server_no_context_takeover",
                 "permessage-deflate; server_no_context_takeover");
    check_answer("permessage-deflate; server_max_window_bits=15; client_max_window_bits",
                 "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10");
    check_answer("permessage-deflate; server_max_window_bits=9; client_max_window_bits=8",
                 "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8");
    settings.is_on = false;
    check_answer("permessage-deflate", "");
}

/* A client that says nothing of its window may use the largest. */
static void test_windows(void) {
    settings = (struct ws_deflate_settings){.is_on = true, .window_bits = 10};
    struct ws_deflate_terms terms = {0};
    CHECK(ws_deflate_choose(SLICE_LITERAL("permessage-deflate"), &settings, &terms));
    CHECK(terms.server_window_bits == 10 && terms.client_window_bits == 15);
    CHECK(!terms.server_has_takeover && !terms.client_has_takeover);
}

int main(void) {
    test_offers();
    test_first_offer_that_can_be_kept();
    test_declined();
    test_settings();
    test_windows();
    return check_report();
}
