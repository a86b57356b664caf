/* What the targets of the server have in common: a connection between a scripted stream and an
 * application that echoes. Whatever comes, in whatever pieces, over a socket that takes little,
 * nothing is touched that has gone, and everything ends with its connection.
 *
 * The first byte of the input seeds the cuts and what happens between them. */
#ifndef CASGI_FUZZ_SERVER_RUN_H
#define CASGI_FUZZ_SERVER_RUN_H

#include "echo_application.h"
#include "echo_websocket.h"
#include "stream_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server_script server;
static struct stream_script stream;

static inline void happen(uint32_t event) {
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

/* Feeds the input, behind `before`, to a server with these options. */
static inline void run_server(const struct server_options *options, struct slice before,
                              const uint8_t *data, size_t size) {
    server_script_open(&server, options, -1);
    server.take_request = echo_take_request;
    server.take_websocket = echo_take_websocket;
    stream_script_init(&stream, server.loop);
    connection_accept(server.server, &stream.stream);
    if (before.length > 0) {
        stream_script_reads(&stream, before);
    }
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
}

#endif
