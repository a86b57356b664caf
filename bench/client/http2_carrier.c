/* http2_carrier: see http2_carrier.h. Owns nghttp2's session, and what waits to be sent on the one
 * stream that sends. */
#include "http2_carrier.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { ROOM = 256 * 1024, WINDOW = 1 << 30 };

struct http2_carrier {
    struct client_socket *socket;
    nghttp2_session *session;
    stream_handler *on_bytes;
    size_t count;
    const uint8_t *output; /* borrowed, of the send under way */
    size_t output_length;
    bool is_answered; /* the stream that was opened last */
    bool is_extended; /* with an extension */
};

static void check(int error) {
    if (error < 0)
        fail("nghttp2: %s", nghttp2_strerror(error));
}

static void flush(struct http2_carrier *carrier) {
    const uint8_t *bytes;
    ssize_t length;
    while ((length = nghttp2_session_mem_send(carrier->session, &bytes)) > 0)
        client_socket_send(carrier->socket, bytes, (size_t)length);
    check((int)length);
}

static ssize_t read_output(nghttp2_session *session, int32_t id, uint8_t *room, size_t length,
                           uint32_t *flags, nghttp2_data_source *source, void *owner) {
    (void)session, (void)id, (void)flags, (void)source;
    struct http2_carrier *carrier = owner;
    size_t taken = carrier->output_length < length ? carrier->output_length : length;
    if (!taken)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(room, carrier->output, taken);
    carrier->output += taken;
    carrier->output_length -= taken;
    return (ssize_t)taken;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *owner) {
    (void)session, (void)frame, (void)flags;
    static const char extensions[] = "sec-websocket-extensions";
    struct http2_carrier *carrier = owner;
    if (name_length == 7 && memcmp(name, ":status", 7) == 0) {
        if (value_length != 3 || memcmp(value, "200", 3) != 0)
            fail("the handshake was answered with %.*s", (int)value_length, (const char *)value);
        carrier->is_answered = true;
    }
    carrier->is_extended |=
        name_length == sizeof extensions - 1 && memcmp(name, extensions, name_length) == 0;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t length, void *owner) {
    (void)flags;
    struct http2_carrier *carrier = owner;
    carrier->on_bytes(nghttp2_session_get_stream_user_data(session, id), bytes, length);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *owner) {
    (void)session, (void)owner;
    fail("the server ended stream %d with code %u", id, code);
}

struct http2_carrier *http2_carrier_new(struct client_socket *socket, stream_handler *on_bytes) {
    struct http2_carrier *carrier = calloc(1, sizeof *carrier);
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    if (!carrier || nghttp2_session_callbacks_new(&callbacks) != 0)
        fail("out of memory");
    carrier->socket = socket;
    carrier->on_bytes = on_bytes;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    check(nghttp2_session_client_new(&carrier->session, callbacks, carrier));
    nghttp2_session_callbacks_del(callbacks);
    check(nghttp2_submit_settings(carrier->session, NGHTTP2_FLAG_NONE, settings, 1));
    check(nghttp2_session_set_local_window_size(carrier->session, NGHTTP2_FLAG_NONE, 0, WINDOW));
    flush(carrier);
    while (!nghttp2_session_get_remote_settings(carrier->session,
                                                NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL))
        http2_carrier_receive(carrier);
    return carrier;
}

size_t http2_carrier_count(const struct http2_carrier *carrier) {
    return carrier->count;
}

static nghttp2_nv field(const char *name, const char *value) {
    return (nghttp2_nv){.name = (uint8_t *)name,
                        .namelen = strlen(name),
                        .value = (uint8_t *)value,
                        .valuelen = strlen(value)};
}

int32_t http2_carrier_open(struct http2_carrier *carrier, void *stream, const char *path,
                           const char *authority, const char *extensions) {
    char origin[64] = "http://";
    strncat(origin, authority, sizeof origin - strlen(origin) - 1);
    const nghttp2_nv fields[] = {
        field(":method", "CONNECT"),
        field(":protocol", "websocket"),
        field(":scheme", "http"),
        field(":authority", authority),
        field(":path", path),
        field("origin", origin),
        field("sec-websocket-version", "13"),
        field("sec-websocket-extensions", extensions ? extensions : ""),
    };
    size_t count = sizeof fields / sizeof *fields - (extensions ? 0 : 1);
    const nghttp2_data_provider provider = {.read_callback = read_output};
    int32_t id = nghttp2_submit_request(carrier->session, NULL, fields, count, &provider, stream);
    check(id);
    carrier->count++;
    carrier->is_answered = carrier->is_extended = false;
    flush(carrier);
    while (!carrier->is_answered)
        http2_carrier_receive(carrier);
    if (extensions && !carrier->is_extended)
        fail("the server does not compress");
    return id;
}

void http2_carrier_send(struct http2_carrier *carrier, int32_t id, const uint8_t *bytes,
                        size_t length) {
    carrier->output = bytes;
    carrier->output_length = length;
    check(nghttp2_session_resume_data(carrier->session, id));
    flush(carrier);
    while (carrier->output_length > 0) /* the server's window is open again soon */
        http2_carrier_receive(carrier);
}

void http2_carrier_receive(struct http2_carrier *carrier) {
    static uint8_t room[ROOM];
    size_t length = client_socket_receive(carrier->socket, room, sizeof room);
    check((int)nghttp2_session_mem_recv(carrier->session, room, length));
    flush(carrier);
}
