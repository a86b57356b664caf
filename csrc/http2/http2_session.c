/* A session's life and its output. Owns nghttp2's session and the head that is being decoded; the
 * streams' owners are its own owner's. Never asks nghttp2 for output from within an event. */
#include "http2/http2_session.h"

#include "base/limits.h"
#include "base/memory.h"
#include "http2/http2_internal.h"

/* Heads of so many fields are put together without an allocation. */
enum { FIELDS_ON_STACK = 32 };

/* nghttp2 ends the connection of a peer that opens more streams than it may. But a browser that
 * breaks streams off sends the heads of the next ones before it says so: nghttp2 is told a multiple
 * of the number, the peer the number, and what is between is refused stream by stream. */
enum { STREAMS_TAKEN = 2, STREAMS_AT = HTTP2_FRAME_HEAD + 2 };

/* --- Failing --- */

/* Whether nghttp2 may be asked anything. */
static bool is_usable(const struct http2_session *session) {
    return !session->is_broken && !session->memory.has_failed;
}

/* What became of a call of nghttp2 that can only fail for want of memory. */
static int status_of(const struct http2_session *session) {
    return session->memory.has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static void put_uint32(uint8_t *out, uint32_t number) {
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

/* A GOAWAY of our own. */
static void break_off(struct http2_session *session, uint32_t code) {
    uint8_t *out = session->last_words;
    memset(out, 0, HTTP2_GOAWAY_SIZE);
    out[2] = HTTP2_GOAWAY_SIZE - HTTP2_FRAME_HEAD;
    out[3] = NGHTTP2_GOAWAY;
    put_uint32(out + HTTP2_FRAME_HEAD,
               (uint32_t)nghttp2_session_get_last_proc_stream_id(session->nghttp2));
    put_uint32(out + HTTP2_FRAME_HEAD + 4, code);
    session->is_broken = true;
}

void http2_session_fail(struct http2_session *session, uint32_t code, const char *reason) {
    if (session->failure == NULL && !session->memory.has_failed) {
        session->failure = reason;
        (void)nghttp2_session_terminate_session(session->nghttp2, code);
        session->events->on_failure(session->owner, reason);
    }
}

/* nghttp2 gives up, or had no memory for something. Returns the status. */
static int give_up(struct http2_session *session, ssize_t error) {
    if (session->memory.has_failed || error == NGHTTP2_ERR_CALLBACK_FAILURE) {
        session->is_broken = session->has_spoken_last = true;
        return STATUS_NO_MEMORY;
    }
    bool is_flood = error == NGHTTP2_ERR_FLOODED || error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
    http2_session_fail(session, NGHTTP2_INTERNAL_ERROR, nghttp2_strerror((int)error));
    break_off(session, is_flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    return STATUS_PROTOCOL;
}

/* --- Bytes in --- */

int http2_session_feed(struct http2_session *session, struct slice bytes, uint64_t now) {
    if (!is_usable(session)) {
        return session->is_broken ? STATUS_PROTOCOL : STATUS_NO_MEMORY;
    }
    session->now = now;
    while (bytes.length > 0 && session->failure == NULL) {
        struct http2_frame frame;
        bool is_begun;
        size_t length = http2_frames_next(&session->frames, bytes, &frame, &is_begun);
        if (is_begun) {
            http2_receive_judge(session, &frame);
        }
        ssize_t used =
            nghttp2_session_mem_recv(session->nghttp2, (const uint8_t *)bytes.data, length);
        if (used < 0 || session->memory.has_failed) {
            return give_up(session, used);
        }
        bytes = slice_without_front(bytes, length);
    }
    if (nghttp2_session_get_outbound_queue_size(session->nghttp2) > LIMIT_HTTP2_UNSENT_FRAMES) {
        http2_session_fail(session, NGHTTP2_ENHANCE_YOUR_CALM, "a peer that does not read");
        break_off(session, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    return session->failure == NULL ? STATUS_OK : STATUS_PROTOCOL;
}

/* --- Bytes out --- */

/* Returns our SETTINGS, which are the first to leave, with the number of streams that is the
 * peer's.
 */
static struct slice advertise_streams(struct http2_session *session, struct slice settings) {
    session->has_sent_settings = true;
    if (settings.length > sizeof(session->settings)) {
        return settings;
    }
    memcpy(session->settings, settings.data, settings.length);
    put_uint32(session->settings + STREAMS_AT, (uint32_t)session->limits.streams);
    return slice_of((const char *)session->settings, settings.length);
}

int http2_session_output(struct http2_session *session, struct slice *bytes) {
    *bytes = SLICE_EMPTY;
    if (session->memory.has_failed) {
        return STATUS_NO_MEMORY;
    }
    if (session->is_broken) {
        if (!session->has_spoken_last) {
            session->has_spoken_last = true;
            *bytes = slice_of((const char *)session->last_words, HTTP2_GOAWAY_SIZE);
        }
        return STATUS_OK;
    }
    const uint8_t *data;
    ssize_t length = nghttp2_session_mem_send(session->nghttp2, &data);
    if (length < 0 || session->memory.has_failed) {
        return give_up(session, length) == STATUS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_OK;
    }
    if (length > 0) {
        *bytes = slice_of((const char *)data, (size_t)length);
    }
    if (length > 0 && !session->has_sent_settings) {
        *bytes = advertise_streams(session, *bytes);
    }
    return STATUS_OK;
}

/* The last bytes of a stream: they end it, or its trailer fields do. Returns nghttp2's error. */
static int end_stream(struct http2_session *session, int32_t id, void *stream, uint32_t *flags) {
    const struct http_fields *trailers = session->events->on_trailers(stream);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (trailers == NULL) {
        return 0;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return http2_fields_submit_trailers(session->nghttp2, id, trailers);
}

static ssize_t pull(nghttp2_session *nghttp2, int32_t id, uint8_t *room, size_t length,
                    uint32_t *flags, nghttp2_data_source *source, void *owner) {
    (void)room;
    (void)source;
    struct http2_session *session = owner;
    void *stream = nghttp2_session_get_stream_user_data(nghttp2, id);
    bool is_last = false;
    size_t given = stream != NULL ? session->events->on_pull(stream, length, &is_last) : 0;
    if (given == 0 && !is_last) {
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return is_last && end_stream(session, id, stream, flags) != 0 ? NGHTTP2_ERR_CALLBACK_FAILURE
                                                                  : (ssize_t)given;
}

static int push(nghttp2_session *nghttp2, nghttp2_frame *frame, const uint8_t *head, size_t length,
                nghttp2_data_source *source, void *owner) {
    (void)source;
    struct http2_session *session = owner;
    void *stream = nghttp2_session_get_stream_user_data(nghttp2, frame->hd.stream_id);
    int status =
        session->events->on_push(stream, slice_of((const char *)head, HTTP2_FRAME_HEAD), length);
    http2_budget_earn(&session->updates, LIMIT_HTTP2_UPDATES_PER_FRAME);
    if (status == STATUS_STATE) {
        return NGHTTP2_ERR_PAUSE;
    }
    return status == STATUS_OK ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

bool http2_session_is_over(struct http2_session *session) {
    if (!is_usable(session)) {
        return session->memory.has_failed || session->has_spoken_last;
    }
    return nghttp2_session_want_read(session->nghttp2) == 0 &&
           nghttp2_session_want_write(session->nghttp2) == 0;
}

bool http2_session_is_in_head(const struct http2_session *session) {
    return session->is_in_head;
}

/* --- Its life --- */

static int submit_settings(struct http2_session *session) {
    const struct http2_session_limits *limits = &session->limits;
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)(limits->streams * STREAMS_TAKEN)},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)limits->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->head_size},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    int error = nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, entries,
                                        sizeof(entries) / sizeof(entries[0]));
    if (error == 0) {
        error = nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0,
                                                      LIMIT_HTTP2_CONNECTION_WINDOW);
    }
    return error == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

static nghttp2_option *make_option(void) {
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0) {
        return NULL;
    }
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
    /* what is counted by ours, whole frames at that */
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
    nghttp2_option_set_max_continuations(option, SIZE_MAX);
    return option;
}

static int open_nghttp2(struct http2_session *session) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option = make_option();
    if (option == NULL || nghttp2_session_callbacks_new(&callbacks) != 0) {
        nghttp2_option_del(option);
        return STATUS_NO_MEMORY;
    }
    http2_receive_install(callbacks);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, push);
    nghttp2_mem memory = http2_memory_functions(&session->memory);
    int error = nghttp2_session_server_new3(&session->nghttp2, callbacks, session, option, &memory);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return error == 0 ? submit_settings(session) : STATUS_NO_MEMORY;
}

struct http2_session *http2_session_new(const struct http2_session_limits *limits,
                                        const struct http2_session_events *events, void *owner) {
    struct http2_session *session = memory_allocate_zeroed(sizeof(*session));
    if (session == NULL) {
        return NULL;
    }
    http2_memory_init(&session->memory);
    session->limits = *limits;
    session->events = events;
    session->owner = owner;
    http2_budget_init(&session->resets, limits->resets);
    http2_budget_init(&session->glitches, limits->glitches);
    http2_budget_init(&session->updates, LIMIT_HTTP2_UPDATES);
    if (open_nghttp2(session) != STATUS_OK) {
        http2_session_free(session);
        return NULL;
    }
    return session;
}

void http2_session_free(struct http2_session *session) {
    if (session != NULL) {
        if (!session->memory.has_failed) {
            nghttp2_session_del(session->nghttp2);
        }
        http2_memory_release(&session->memory);
        http2_head_release(&session->head);
        memory_free(session);
    }
}

int http2_session_announce_end(struct http2_session *session) {
    if (is_usable(session) && nghttp2_submit_shutdown_notice(session->nghttp2) == 0) {
        (void)nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, NULL);
    }
    return status_of(session);
}

int http2_session_end(struct http2_session *session) {
    if (is_usable(session)) {
        int32_t last = nghttp2_session_get_last_proc_stream_id(session->nghttp2);
        (void)nghttp2_submit_goaway(session->nghttp2, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR,
                                    NULL, 0);
    }
    return status_of(session);
}

bool http2_session_is_end_known(const struct http2_session *session) {
    return session->is_end_known;
}

/* --- One stream --- */

static void submit(struct http2_session *session, int32_t id, const nghttp2_nv *fields,
                   size_t count, const struct http_response_head *head,
                   const struct http2_framing *framing) {
    const nghttp2_data_provider provider = {.read_callback = pull};
    if (head->status < 200) {
        (void)nghttp2_submit_headers(session->nghttp2, NGHTTP2_FLAG_NONE, id, NULL, fields, count,
                                     NULL);
    } else {
        (void)nghttp2_submit_response(session->nghttp2, id, fields, count,
                                      framing->is_last ? NULL : &provider);
    }
}

int http2_session_respond(struct http2_session *session, int32_t id,
                          const struct http_response_head *head,
                          const struct http2_framing *framing) {
    nghttp2_nv on_stack[FIELDS_ON_STACK];
    char digits[2 * HTTP2_LENGTH_ROOM];
    nghttp2_nv *fields = on_stack;
    size_t room = head->header_count + HTTP2_OWN_FIELDS;
    if (!is_usable(session)) {
        return status_of(session);
    }
    if (room > FIELDS_ON_STACK) {
        fields = memory_allocate(room * sizeof(*fields));
        if (fields == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    size_t count = http2_fields_write(fields, digits, head, framing);
    submit(session, id, fields, count, head, framing);
    if (fields != on_stack) {
        memory_free(fields);
    }
    return status_of(session);
}

int http2_session_inform(struct http2_session *session, int32_t id,
                         const struct http_response_head *head) {
    const struct http2_framing framing = {.content_length = -1};
    return http2_session_respond(session, id, head, &framing);
}

void http2_session_resume(struct http2_session *session, int32_t id) {
    if (is_usable(session)) {
        (void)nghttp2_session_resume_data(session->nghttp2, id);
    }
}

bool http2_session_has_window(const struct http2_session *session, int32_t id) {
    return is_usable(session) &&
           nghttp2_session_get_stream_remote_window_size(session->nghttp2, id) > 0;
}

static void reset(struct http2_session *session, int32_t id, uint32_t code) {
    if (is_usable(session)) {
        (void)nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, id, code);
    }
}

void http2_session_reset(struct http2_session *session, int32_t id) {
    reset(session, id, NGHTTP2_INTERNAL_ERROR);
}

void http2_session_stop_body(struct http2_session *session, int32_t id) {
    reset(session, id, NGHTTP2_NO_ERROR);
}

void http2_session_consume(struct http2_session *session, int32_t id, size_t length) {
    if (is_usable(session)) {
        (void)nghttp2_session_consume_stream(session->nghttp2, id, length);
    }
}
