/* A client's bytes, fed whole, byte by byte and in random pieces: all must give the same events,
 * hold no decoder at a frame's edge, and leave nothing behind.
 *
 * Input: one byte that chooses limits and compression, one that seeds the pieces, then the wire. */
#include "base/counters.h"
#include "base/memory.h"
#include "test_ws_support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ws_session_limits limits[] = {
    {.message_size = 0},
    {.message_size = 1 << 20, .frame_size = 1 << 20, .fragments = 1024},
    {.message_size = 64, .frame_size = 32, .fragments = 3},
    {.message_size = 16},
};

static const struct ws_deflate_terms terms[] = {
    {0},
    {.server_window_bits = 15, .client_window_bits = 15},
    {.server_window_bits = 15, .client_window_bits = 15, .client_has_takeover = true},
};

enum { TERMS = sizeof(terms) / sizeof(terms[0]) };

enum { LIMITS = sizeof(limits) / sizeof(limits[0]), LONGEST_PIECE = 48 };

/* A byte of deflate is 1,032 of the message at most. */
enum { MOST_INFLATED = 1032 };

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void check_session(const struct ws_session *session, size_t fed) {
    const struct ws_session_limits *allowed = session->limits;
    require(allowed->message_size == 0 || session->message.length <= allowed->message_size);
    require(allowed->fragments == 0 || session->fragments <= allowed->fragments);
    size_t most = session->terms == NULL ? fed : fed * MOST_INFLATED;
    require(session->message.length <= most);
    require(session->message.capacity <= 2048 || session->message.capacity <= 2 * most);
    require(counters_alive(COUNTER_ws_decoders) == (session->decoder != NULL ? 1 : 0));
    if (session->is_ended) {
        require(session->decoder == NULL && session->message.data == NULL);
        require(session->inflater == NULL);
    }
    require(counters_alive(COUNTER_ws_inflaters) == (session->inflater != NULL ? 1 : 0));
}

/* Feeds pieces of at most `longest` bytes (0: whole; 1: single bytes) and returns the events. Each
 * piece is copied into memory of its own length, whose bounds the sanitizer knows. */
static struct text run(uint8_t choice, struct slice wire, size_t longest, uint32_t seed,
                       bool *holds_decoder) {
    struct ws_decoder_pool *pool = ws_decoder_pool_new();
    struct ws_session session;
    struct log log = {0};
    text_add(&log.events, "", 0);
    ws_session_init(&session, pool, &limits[choice % LIMITS], &log_events, &log);
    struct ws_inflater_pool *inflaters = ws_inflater_pool_new();
    const struct ws_deflate_terms *agreed = &terms[choice / LIMITS % TERMS];
    if (ws_deflate_is_agreed(agreed)) {
        ws_session_inflate(&session, inflaters, agreed);
    }
    for (size_t start = 0; start < wire.length;) {
        size_t most = wire.length - start;
        size_t length = longest == 0 ? most : 1 + random_next(&seed) % longest;
        length = length < most ? length : most;
        struct text piece = {NULL, 0};
        text_add(&piece, wire.data + start, length);
        ws_session_feed(&session, slice_of(piece.data, length));
        text_free(&piece);
        start += length;
        check_session(&session, start);
    }
    *holds_decoder = session.decoder != NULL;
    text_add(&log.events, log.failure, strlen(log.failure));
    ws_session_release(&session);
    ws_decoder_pool_free(pool);
    ws_inflater_pool_free(inflaters);
    require(counters_alive(COUNTER_ws_decoders) == 0 && counters_alive(COUNTER_ws_inflaters) == 0);
    return log.events;
}

static void require_same(const struct text *a, const struct text *b) {
    require(a->length == b->length && memcmp(a->data, b->data, a->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct slice wire = slice_of((const char *)data + 2, size - 2);
    bool holds[3];
    struct text whole = run(data[0], wire, 0, 0, &holds[0]);
    struct text bytes = run(data[0], wire, 1, 0, &holds[1]);
    struct text pieces = run(data[0], wire, LONGEST_PIECE, data[1], &holds[2]);
    require_same(&whole, &bytes);
    require_same(&whole, &pieces);
    require(holds[0] == holds[1] && holds[0] == holds[2]);
    text_free(&whole);
    text_free(&bytes);
    text_free(&pieces);
    return 0;
}
