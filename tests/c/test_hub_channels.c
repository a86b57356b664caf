/* The hub's channels: a message goes to one who asks, waits, expires, is refused. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/status.h"
#include "check.h"
#include "hub/hub_channels.h"

struct taker {
    struct list asks;
    char taken[64];
    bool refuses;
    bool is_full;
};

static int give(struct list *asks, struct slice channel, struct slice message) {
    struct taker *taker = LIST_OBJECT(asks, struct taker, asks);
    if (taker->refuses) {
        return STATUS_CLOSED;
    }
    if (taker->is_full) {
        return STATUS_STATE;
    }
    strncat(taker->taken, channel.data, channel.length);
    strncat(taker->taken, message.data, message.length);
    return 0;
}

static const struct slice one = {"one", 3}, other = {"other", 5};

static void init(struct hub_channels *channels, struct hub_metrics *metrics, struct taker *takers) {
    static struct groups topics;
    groups_init(&topics, (struct group_bus){NULL, NULL});
    hub_channels_init(channels, &topics, metrics, give);
    for (int i = 0; i < 2; i++) {
        takers[i] = (struct taker){.taken = ""};
        list_init(&takers[i].asks);
    }
}

static void finish(struct hub_channels *channels) {
    hub_channels_release(channels);
    groups_release(channels->topics);
}

static bool took(const struct taker *taker, const char *text) {
    return strcmp(taker->taken, text) == 0;
}

static void check_order(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    init(&channels, &metrics, takers);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("1"), 2, 0, 10) == 0);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("2"), 2, 0, 20) == 0);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("3"), 2, 0, 20) == STATUS_TOO_LARGE);
    CHECK(hub_channels_send(&channels, other, SLICE_LITERAL("4"), 0, 0, 20) == STATUS_TOO_LARGE);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting_bytes) == 2);
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 10) == 0); /* the first expired */
    CHECK(took(&takers[0], "one2"));
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 0) == 0);
    CHECK(hub_channels_receive(&channels, one, &takers[1].asks, 0) == 0);
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 0) == 0);
    hub_channels_abandon(&channels, one, &takers[0].asks); /* the later of its two */
    hub_channels_abandon(&channels, other, &takers[0].asks);
    for (const char *text = "567"; *text != '\0'; text++) {
        CHECK(hub_channels_send(&channels, one, slice_of(text, 1), 1, 0, 20) == 0);
    }
    CHECK(took(&takers[0], "one2one5"));
    CHECK(took(&takers[1], "one6"));
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 1);
    hub_channels_sweep(&channels, 20);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 0);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_expired) == 2);
    CHECK(channels.channels.count == 0);
    finish(&channels);
}

/* Who can not take it loses its turn, not the message. */
static void check_leaving(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    init(&channels, &metrics, takers);
    takers[0].refuses = true;
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 0) == 0);
    CHECK(hub_channels_receive(&channels, one, &takers[1].asks, 0) == 0);
    CHECK(hub_channels_receive(&channels, other, &takers[1].asks, 0) == 0);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("1"), 1, 0, 9) == 0);
    CHECK(took(&takers[1], "one1"));
    hub_channels_ask_no_more(&channels, &takers[1].asks);
    hub_channels_ask_no_more(&channels, &takers[0].asks);
    CHECK(channels.channels.count == 0);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("2"), 1, 0, 9) == 0);
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 0) == 0);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 1);
    CHECK(hub_channels_receive(&channels, one, &takers[1].asks, 0) == 0);
    CHECK(took(&takers[1], "one1one2"));
    finish(&channels);
}

/* Who has to read first goes on asking; meanwhile others get it, or it waits in its place. */
static void check_full(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    init(&channels, &metrics, takers);
    takers[0].is_full = true;
    for (int i = 0; i < 3; i++) {
        CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 0) == 0);
    }
    CHECK(hub_channels_receive(&channels, one, &takers[1].asks, 0) == 0);
    for (const char *text = "1234"; *text != '\0'; text++) {
        CHECK(hub_channels_send(&channels, one, slice_of(text, 1), 3, 0, *text == '2' ? 5 : 9) ==
              0);
    }
    CHECK(took(&takers[1], "one1"));
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("5"), 3, 0, 9) == STATUS_TOO_LARGE);
    hub_channels_resume(&channels, &takers[0].asks, 5); /* still full; the second has expired */
    CHECK(took(&takers[0], "") && hub_metrics_read(&metrics, HUB_METRIC_waiting) == 2);
    takers[0].is_full = false;
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("6"), 3, 5, 9) == 0); /* overtakes none */
    hub_channels_resume(&channels, &takers[0].asks, 5);
    CHECK(took(&takers[0], "one3one4one6"));
    CHECK(channels.channels.count == 0);
    hub_channels_resume(&channels, &takers[0].asks, 5);
    finish(&channels);
}

/* One that was full, and takes messages again, gets the first; who asks now gets the next. */
static void check_full_no_more(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    init(&channels, &metrics, takers);
    takers[0].is_full = true;
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 0) == 0);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("1"), 9, 0, 9) == 0);
    CHECK(hub_channels_send(&channels, one, SLICE_LITERAL("2"), 9, 0, 9) == 0);
    takers[0].is_full = false;
    CHECK(hub_channels_receive(&channels, one, &takers[1].asks, 0) == 0);
    CHECK(took(&takers[0], "one1") && took(&takers[1], "one2"));
    CHECK(channels.channels.count == 0);
    hub_channels_ask_no_more(&channels, &takers[1].asks);
    finish(&channels);
}

static void post(struct member *member, double joined, void *context) {
    hub_channels_post(context, (struct hub_member *)member, joined, SLICE_LITERAL("topic"),
                      SLICE_LITERAL("p"), 5);
}

/* A channel that has joined a topic gets what is posted, as much as it holds, until it leaves. */
static void check_topics(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    struct slice topic = SLICE_LITERAL("topic");
    struct hub_channel_limits limits = {.capacity = 1, .milliseconds = 10, .stay = 60000};
    init(&channels, &metrics, takers);
    CHECK(hub_channels_join(&channels, topic, one, &limits, 0) == STATUS_OK);
    CHECK(hub_channels_join(&channels, topic, one, &limits, 0) == STATUS_OK);
    CHECK(channels.member_count == 1);
    groups_visit(channels.topics, topic, GROUPS_ALL, post, &channels);
    groups_visit(channels.topics, topic, GROUPS_ALL, post, &channels);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 1);
    CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 14) == STATUS_OK);
    CHECK(took(&takers[0], "onep"));
    hub_channels_leave(&channels, topic, one);
    hub_channels_leave(&channels, topic, one);
    hub_channels_leave(&channels, topic, other);
    CHECK(channels.member_count == 0 && channels.channels.count == 0);
    CHECK(hub_channels_join(&channels, topic, one, &limits, 0) == STATUS_OK);
    CHECK(hub_channels_join(&channels, topic, other, &limits, 59000) == STATUS_OK);
    hub_channels_sweep(&channels, 60001); /* the first has not joined anew */
    CHECK(groups_size(channels.topics, topic) == 1);
    groups_visit(channels.topics, topic, GROUPS_ALL, post, &channels);
    hub_channels_sweep(&channels, 60002); /* what waits since then has expired */
    CHECK(groups_size(channels.topics, topic) == 0 && channels.channels.count == 0);
    CHECK(hub_channels_join(&channels, topic, one, &limits, 0) == STATUS_OK);
    CHECK(hub_channels_join(&channels, topic, other, &limits, 0) == STATUS_OK);
    hub_channels_flush(&channels, SLICE_LITERAL("on"));
    CHECK(groups_size(channels.topics, topic) == 1 && channels.channels.count == 1);
    finish(&channels);
}

static void check_bound(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    init(&channels, &metrics, takers);
    static char large[1024 * 1024];
    int kept = 0;
    while (hub_channels_send(&channels, one, slice_of(large, sizeof(large)), 1000, 0, 9) == 0) {
        kept++;
    }
    CHECK(kept == LIMIT_HUB_WAITING / (int)sizeof(large) - 1); /* headers count, too */
    CHECK(hub_channels_send(&channels, one, slice_of(large, sizeof(large)), 1000, 0, 9) ==
          STATUS_STATE);
    struct hub_channel_limits limits = {.capacity = 1, .milliseconds = 10, .stay = 60000};
    CHECK(hub_channels_join(&channels, SLICE_LITERAL("topic"), other, &limits, 0) == STATUS_OK);
    CHECK(hub_channels_receive(&channels, other, &takers[0].asks, 0) == STATUS_OK);
    hub_channels_ask_no_more(&channels, &takers[0].asks);
    finish(&channels);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting_bytes) == 0);
}

/* What is lost of noted messages leaves one empty message in its place. */
static void check_notes(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    static char large[LIMIT_HUB_WAITING - 1024];
    init(&channels, &metrics, takers);
    for (const char *text = "123"; *text != '\0'; text++) {
        CHECK(hub_channels_send_noted(&channels, one, slice_of(text, 1), 0, 10) == 0);
    }
    hub_channels_sweep(&channels, 10);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 1);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting_bytes) == 0);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_expired) == 3);
    CHECK(hub_channels_send_noted(&channels, one, SLICE_LITERAL("4"), 10, 20) == 0);
    static char whole_bytes[LIMIT_HUB_WAITING];
    struct slice whole = slice_of(whole_bytes, sizeof(whole_bytes));
    CHECK(hub_channels_send_noted(&channels, one, whole, 10, 20) == 0); /* no room */
    CHECK(hub_channels_send_noted(&channels, one, whole, 10, 20) == 0);
    CHECK(hub_channels_send_noted(&channels, one, SLICE_LITERAL("5"), 10, 20) == 0);
    CHECK(hub_channels_send_noted(&channels, one, SLICE_LITERAL("6"), 10, 30) == 0);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 5);
    for (int i = 0; i < 3; i++) {
        CHECK(hub_channels_receive(&channels, one, &takers[0].asks, 10) == 0);
    }
    CHECK(took(&takers[0], "oneone4one")); /* the note, 4, the note */
    hub_channels_sweep(&channels, 20);
    CHECK(hub_channels_send_noted(&channels, one, whole, 20, 30) == 0);
    hub_channels_sweep(&channels, 30); /* both notes become one */
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting) == 1);
    CHECK(hub_channels_receive(&channels, one, &takers[1].asks, 30) == 0);
    CHECK(took(&takers[1], "one"));
    CHECK(channels.channels.count == 0);
    CHECK(hub_channels_send_noted(&channels, one, slice_of(large, sizeof(large)), 0, 10) == 0);
    CHECK(hub_metrics_read(&metrics, HUB_METRIC_waiting_bytes) == sizeof(large));
    finish(&channels);
}

/* Names of channels that somebody asks for, and messages without a byte, take memory, too. */
static void check_names(void) {
    struct hub_channels channels;
    struct hub_metrics metrics = {0};
    struct taker takers[2];
    static char name[LIMIT_HUB_NAME];
    init(&channels, &metrics, takers);
    int status = STATUS_OK, count = 0;
    for (; status == STATUS_OK && count < 10000; count++) {
        memcpy(name, &count, sizeof(count));
        status = hub_channels_receive(&channels, slice_of(name, sizeof(name)), &takers[0].asks, 0);
    }
    CHECK(status == STATUS_NO_MEMORY && count > LIMIT_HUB_WAITING / 2 / LIMIT_HUB_NAME);
    CHECK(channels.names <= LIMIT_HUB_WAITING);
    status = STATUS_OK;
    while (status == STATUS_OK) {
        status = hub_channels_send(&channels, one, SLICE_LITERAL(""), UINT32_MAX, 0, 9);
    }
    CHECK(status == STATUS_STATE);
    hub_channels_ask_no_more(&channels, &takers[0].asks);
    hub_channels_sweep(&channels, 9);
    CHECK(channels.names == 0 && channels.messages == 0 && channels.channels.count == 0);
    finish(&channels);
}

static void check_allocations(void) {
    for (long countdown = 1; countdown < 8; countdown++) {
        struct hub_channels channels;
        struct hub_metrics metrics = {0};
        struct taker takers[2];
        init(&channels, &metrics, takers);
        memory_set_failure(countdown);
        (void)hub_channels_receive(&channels, other, &takers[0].asks, 0);
        (void)hub_channels_send(&channels, one, SLICE_LITERAL("1"), 9, 0, 9);
        memory_set_failure(0);
        hub_channels_ask_no_more(&channels, &takers[0].asks);
        CHECK(channels.channels.count == hub_metrics_read(&metrics, HUB_METRIC_waiting));
        finish(&channels);
    }
}

int main(void) {
    check_order();
    check_leaving();
    check_full();
    check_full_no_more();
    check_topics();
    check_bound();
    check_notes();
    check_names();
    check_allocations();
    return check_report();
}
