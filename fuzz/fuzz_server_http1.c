/* HTTP/1 and WebSockets on a connection, between a scripted stream and an application that echoes:
 * whatever comes, in whatever pieces, over a socket that takes little, nothing is touched that has
 * gone, and everything ends with its connection.
 *
 * The first byte of the input seeds the cuts and what happens between them. */
#include "echo_application.h"
#include "server/websocket.h"
#include "stream_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server_script server;
static struct stream_script stream;

/* --- The application of WebSockets --- */

static void on_message(void *owner, bool is_text, struct slice payload) {
    (void)websocket_send(owner, is_text, payload);
}

static void on_ready(void *owner) {
    struct websocket *websocket = owner;
    if (websocket->state == WEBSOCKET_CONNECTING) {
        (void)websocket_accept(websocket, SLICE_EMPTY, NULL, 0);
    }
    websocket_finish_close(websocket);
}

static void on_drain(void *owner) {
    (void)owner;
}

static void on_close(void *owner, int code, struct slice reason) {
    (void)owner;
    (void)code;
    (void)reason;
}

static const struct websocket_events websocket_events = {
    .on_message = on_message,
    .on_ready = on_ready,
    .on_drain = on_drain,
    .on_close = on_close,
    .on_end = on_drain,
};

static int take_websocket(struct server_script *script, struct websocket *websocket) {
    (void)script;
    websocket_attach(websocket, &websocket_events, websocket);
    return STATUS_OK;
}

/* --- What happens --- */

static void happen(uint32_t event) {
    switch (event % 16) {
    case 0:
        stream.room = event >> 8 & 0xFF;
        break;
    case 1:
    case 2:
        stream.room = SIZE_MAX;
        if (stream.pending_count > 0 && !stream.stream.closing) {
            stream_script_completes(&stream, STATUS_OK);
        }
        break;
    case 3:
        if ((event >> 8) % 8 == 0) {
            server_shutdown(server.server);
        }
        break;
    default:
        event_loop_turn(server.loop, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct server_options options = script_options();
    options.write_high_water = 256;
    server_script_open(&server, &options, -1);
    server.take_request = echo_take_request;
    server.take_websocket = take_websocket;
    stream_script_init(&stream, server.loop);
    connection_accept(server.server, &stream.stream);
    uint32_t seed = data[0];
    for (size_t used = 1; used < size;) {
        seed = seed * 1664525 + 1013904223;
        size_t length = 1 + (seed >> 24) % 64;
        length = length < size - used ? length : size - used;
        char *copy = malloc(length);
        memcpy(copy, data + used, length);
        stream_script_reads(&stream, slice_of(copy, length));
        free(copy);
        happen(seed >> 4);
        used += length;
    }
    stream_script_ends(&stream, (seed & 1) != 0 ? STATUS_OK : STATUS_SYSTEM);
    event_loop_turn(server.loop, 0);
    stream_script_closed(&stream);
    server_script_close(&server);
    if (server_report() != EXIT_SUCCESS) {
        abort();
    }
    return 0;
}
