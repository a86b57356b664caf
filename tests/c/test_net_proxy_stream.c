/* A stream behind a PROXY header, on a transport that does what it is told: whole, byte by byte,
 * cut, with the end in between, refused, and with every allocation failing. */
#include "base/counters.h"
#include "base/memory.h"
#include "net/proxy_stream.h"
#include "stream_script.h"

static const char header[] = "PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\r\n";

/* Who has the stream. */
struct owner {
    struct record record;
    struct stream *stream;
    bool reads_at_once; /* from inside on_open() */
    bool is_identified;
    bool closes_on_read;
};

static void on_identified(void *owner) {
    struct owner *self = owner;
    CHECK(!self->is_identified);
    self->is_identified = true;
}

static void on_open(void *owner) {
    struct owner *self = owner;
    CHECK(self->is_identified);
    record_add(&self->record, "open;");
    if (self->reads_at_once) {
        CHECK(stream_read_start(self->stream) == STATUS_OK);
    }
}

static void on_read(void *owner, struct slice bytes) {
    struct owner *self = owner;
    record_bytes(&self->record, bytes);
    if (self->closes_on_read) {
        stream_close(self->stream);
    }
}

static void on_read_end(void *owner, int status) {
    record_add(&((struct owner *)owner)->record, "|end %d;", status);
}

static void on_written(void *owner, int status) {
    record_add(&((struct owner *)owner)->record, "written %d;", status);
}

static void on_closed(void *owner) {
    record_add(&((struct owner *)owner)->record, "closed;");
}

static const struct stream_events events = {on_open,    on_read,   on_read_end,
                                            on_written, on_closed, on_identified};

static struct event_loop *loop;
static struct proxy_factory allowed;

static bool open_stream(struct owner *owner, struct stream_script *script, bool reads_at_once) {
    *owner = (struct owner){.reads_at_once = reads_at_once};
    stream_script_init(script, loop);
    owner->stream = proxy_stream_new(&script->stream, &allowed.allowed);
    if (owner->stream != NULL) {
        stream_attach(owner->stream, &events, owner);
        stream_open(owner->stream);
    }
    return owner->stream != NULL;
}

static void feed(struct stream_script *script, const char *text) {
    stream_script_reads(script, slice_of(text, strlen(text)));
}

static void close_stream(struct owner *owner, struct stream_script *script) {
    stream_close(owner->stream);
    record_clear(&owner->record);
    stream_script_closed(script);
    CHECK_RECORD(&owner->record, "closed;");
    CHECK(counters_alive(COUNTER_proxy_streams) == 0);
}

static void check_addresses(struct stream *stream) {
    struct address peer, local;
    stream_peer_address(stream, &peer);
    stream_local_address(stream, &local);
    CHECK(strcmp(peer.host, "203.0.113.7") == 0 && peer.port == 56324);
    CHECK(strcmp(local.host, "198.51.100.1") == 0 && local.port == 443);
}

static void test_header_and_bytes_in_one_read(void) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    stream_script_reads(&script, slice_of(header, sizeof(header) - 1));
    CHECK_RECORD(&owner.record, "open;");
    check_addresses(owner.stream);
    event_loop_turn(loop, 0); /* not from inside what asks for it */
    feed(&script, "GET ");
    CHECK_RECORD(&owner.record, "GET ");
    close_stream(&owner, &script);

    CHECK(open_stream(&owner, &script, true));
    char longer[128];
    snprintf(longer, sizeof(longer), "%sGET ", header);
    feed(&script, longer);
    CHECK_RECORD(&owner.record, "open;");
    feed(&script, "/ HTTP"); /* behind what waits */
    event_loop_turn(loop, 0);
    CHECK_RECORD(&owner.record, "GET / HTTP");
    feed(&script, "/1.1");
    CHECK_RECORD(&owner.record, "/1.1");
    close_stream(&owner, &script);
}

static void test_byte_by_byte(void) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    for (size_t i = 0; i < sizeof(header) - 1; i++) {
        CHECK(owner.record.length == 0);
        stream_script_reads(&script, slice_of(&header[i], 1));
    }
    feed(&script, "G");
    CHECK_RECORD(&owner.record, "open;G");
    close_stream(&owner, &script);
}

static void test_nobody_reads_yet(void) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, false));
    char longer[128];
    snprintf(longer, sizeof(longer), "%sGET ", header);
    feed(&script, longer);
    event_loop_turn(loop, 0);
    CHECK_RECORD(&owner.record, "open;");
    stream_script_ends(&script, STATUS_OK);
    CHECK(owner.record.length == 0);
    CHECK(stream_read_start(owner.stream) == STATUS_OK);
    event_loop_turn(loop, 0);
    CHECK_RECORD(&owner.record, "GET |end 0;");
    CHECK(stream_read_start(owner.stream) == STATUS_OK); /* nothing after the end */
    event_loop_turn(loop, 0);
    CHECK(owner.record.length == 0);
    close_stream(&owner, &script);
}

static void test_closed_by_whoever_reads(void) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    owner.closes_on_read = true;
    char longer[128];
    snprintf(longer, sizeof(longer), "%sGET ", header);
    feed(&script, longer);
    stream_script_ends(&script, STATUS_OK);
    event_loop_turn(loop, 0);
    CHECK_RECORD(&owner.record, "open;GET ");
    close_stream(&owner, &script);
}

static void expect_refused(const char *bytes, const char *why) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    feed(&script, bytes);
    CHECK_RECORD(&owner.record, "|end -7;");
    CHECK(owner.stream->failure != NULL && strstr(owner.stream->failure, why) != NULL);
    CHECK(stream_read_start(owner.stream) == STATUS_OK);
    close_stream(&owner, &script);
}

static void test_refused(void) {
    expect_refused("GET / HTTP/1.1\r\n", "without a valid header");
    expect_refused("PROXY TCP4 oops\r\n", "without a valid header");
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    feed(&script, "PROXY TC");
    stream_script_ends(&script, STATUS_OK);
    CHECK_RECORD(&owner.record, "|end -7;");
    close_stream(&owner, &script);
}

static void test_peer_that_is_no_proxy(void) {
    struct proxy_factory nobody;
    CHECK(proxy_factory_init(&nobody, "10.0.0.0/8") == STATUS_OK);
    struct stream_script script;
    struct owner owner = {0};
    for (int is_local = 0; is_local <= 1; is_local++) {
        stream_script_init(&script, loop);
        if (is_local) {
            script.peer = (struct address){.family = ADDRESS_NONE};
            script.local = (struct address){.family = ADDRESS_UNIX, .host = "/run/a"};
        }
        owner.stream = proxy_stream_new(&script.stream, &nobody.allowed);
        CHECK(owner.stream != NULL);
        stream_attach(owner.stream, &events, &owner);
        stream_open(owner.stream);
        CHECK_RECORD(&owner.record, is_local ? "" : "|end -7;");
        close_stream(&owner, &script);
    }
    proxy_factory_release(&nobody);
}

/* A check of the proxy's own: the addresses stay those of the socket. */
static void test_unknown(void) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    feed(&script, "PROXY UNKNOWN\r\n");
    struct address peer;
    stream_peer_address(owner.stream, &peer);
    CHECK(strcmp(peer.host, "192.0.2.9") == 0 && peer.port == 4242);
    record_clear(&owner.record);
    close_stream(&owner, &script);
}

static void test_writing_passes_through(void) {
    struct owner owner;
    struct stream_script script;
    CHECK(open_stream(&owner, &script, true));
    feed(&script, header);
    struct slice part = SLICE_LITERAL("answer");
    CHECK(stream_try_write(owner.stream, &part, 1) == 6);
    CHECK_RECORD(&script.taken, "answer");
    CHECK(stream_write(owner.stream, &part, 1) == STATUS_OK);
    stream_script_completes(&script, STATUS_OK);
    CHECK_RECORD(&owner.record, "open;written 0;");
    CHECK(stream_progress(owner.stream) == 12);
    record_clear(&script.record);
    stream_end_writing(owner.stream);
    CHECK_RECORD(&script.record, "end;");
    stream_reset(owner.stream);
    CHECK_RECORD(&script.record, "reset;");
    close_stream(&owner, &script);
}

static void test_no_memory(void) {
    bool has_succeeded = false;
    for (long n = 1; n < 10 && !has_succeeded; n++) {
        struct owner owner;
        struct stream_script script;
        char longer[128];
        snprintf(longer, sizeof(longer), "%sGET ", header);
        memory_set_failure(n);
        if (open_stream(&owner, &script, true)) {
            feed(&script, longer);
            memory_set_failure(0);
            event_loop_turn(loop, 0);
            has_succeeded = owner.record.length > 0 && strcmp(owner.record.text, "open;GET ") == 0;
            CHECK(has_succeeded || strcmp(owner.record.text, "|end -7;") == 0);
            close_stream(&owner, &script);
        } else {
            memory_set_failure(0);
            CHECK_RECORD(&script.record, "close;");
            stream_script_closed(&script);
        }
    }
    CHECK(has_succeeded);
}

int main(void) {
    loop = event_loop_new();
    CHECK(proxy_factory_init(&allowed, "192.0.2.0/24") == STATUS_OK);
    test_header_and_bytes_in_one_read();
    test_byte_by_byte();
    test_nobody_reads_yet();
    test_closed_by_whoever_reads();
    test_refused();
    test_peer_that_is_no_proxy();
    test_unknown();
    test_writing_passes_through();
    test_no_memory();
    proxy_factory_release(&allowed);
    event_loop_free(loop);
    return check_report();
}
