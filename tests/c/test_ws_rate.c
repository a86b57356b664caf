/* Tests of ws/ws_rate.c: what is too much, and what has been saved up. */
#include "base/limits.h"
#include "check.h"
#include "ws/ws_rate.h"

enum { SECOND = 1000, START = 5000 };

static bool is(const char *said, const char *expected) {
    return said != NULL && strcmp(said, expected) == 0;
}

/* Sends `count` messages at once; returns how many were fine. */
static int flood(struct ws_rate *rate, const struct ws_rate_limits *limits, int count, size_t bytes,
                 uint64_t now) {
    int fine = 0;
    while (fine < count && ws_rate_add(rate, limits, bytes, now) == NULL) {
        fine++;
    }
    return fine;
}

static void test_no_limit(void) {
    struct ws_rate rate = {0};
    struct ws_rate_limits limits = {0};
    CHECK(flood(&rate, &limits, 100000, SIZE_MAX, START) == 100000);
}

static void test_messages(void) {
    struct ws_rate rate = {0};
    struct ws_rate_limits limits = {.messages = 10};
    CHECK(flood(&rate, &limits, 1000, 1, START) == 10 * LIMIT_WS_RATE_SECONDS);
    CHECK(is(ws_rate_add(&rate, &limits, 1, START), "too many messages"));
    /* as many as the rate go on for ever */
    struct ws_rate steady = {0};
    uint64_t now = START;
    for (int i = 0; i < 1000; i++) {
        now += SECOND / 10;
        CHECK_ROW(ws_rate_add(&steady, &limits, 1000000, now) == NULL, "steady");
    }
}

static void test_bytes(void) {
    struct ws_rate rate = {0};
    struct ws_rate_limits limits = {.messages = 1000, .bytes = 100};
    size_t most = 100 * LIMIT_WS_RATE_SECONDS;
    CHECK(ws_rate_add(&rate, &limits, most, START) == NULL);
    CHECK(ws_rate_add(&rate, &limits, 100, START + SECOND) == NULL);
    CHECK(is(ws_rate_add(&rate, &limits, 1, START + SECOND), "too many bytes"));
}

static void test_a_pause_is_saved_up_to_a_point(void) {
    struct ws_rate rate = {0};
    struct ws_rate_limits limits = {.messages = 10};
    CHECK(flood(&rate, &limits, 30, 1, START) == 30);
    CHECK(flood(&rate, &limits, 30, 1, START + SECOND) == 30);
    CHECK(flood(&rate, &limits, 1000, 1, START + 3600 * SECOND) == 10 * LIMIT_WS_RATE_SECONDS);
}

int main(void) {
    test_no_limit();
    test_messages();
    test_bytes();
    test_a_pause_is_saved_up_to_a_point();
    return check_report();
}
