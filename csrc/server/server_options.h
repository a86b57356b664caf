/* The options of a server that are plain values: one table, from which the members, the keywords of
 * casgi._core.Server and their defaults are made. csrc/README.md says how to add one.
 *
 * Those of the bridge stand here too: it copies them when the Server is made. */
#ifndef CASGI_SERVER_SERVER_OPTIONS_H
#define CASGI_SERVER_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "server/access_format.h"
#include "server/forwarded.h"
#include "server/slow_consumer.h"

/* The kinds. Each has a converter of its name in bindings/server_arguments.c. */
typedef double option_seconds; /* below 0 means never */
typedef size_t option_size;
typedef uint8_t option_window_bits;  /* 9 to 15 */
typedef uint8_t option_memory_level; /* 1 to 9 */
typedef bool option_flag;
typedef enum slow_consumer_policy option_policy;

#define OPTION_NEVER -1

/* OPTION(kind, name, default): the name is the keyword, the field of casgi.Config and, with - for
 * _, the option of the command. */
#define SERVER_OPTIONS(OPTION)                                                                     \
    OPTION(seconds, http_timeout, OPTION_NEVER)                                                    \
    OPTION(seconds, header_timeout, LIMIT_HEADER_SECONDS)                                          \
    OPTION(seconds, body_timeout, LIMIT_BODY_SECONDS)                                              \
    OPTION(seconds, send_timeout, LIMIT_STALL_SECONDS)                                             \
    OPTION(seconds, keep_alive_timeout, LIMIT_KEEP_ALIVE_SECONDS)                                  \
    OPTION(seconds, websocket_timeout, LIMIT_WS_SECONDS)                                           \
    OPTION(seconds, websocket_connect_timeout, LIMIT_WS_CONNECT_SECONDS)                           \
    OPTION(seconds, ping_interval, LIMIT_PING_INTERVAL_SECONDS)                                    \
    OPTION(seconds, ping_timeout, LIMIT_PING_SECONDS)                                              \
    OPTION(seconds, application_close_timeout, LIMIT_APPLICATION_CLOSE_SECONDS)                    \
    OPTION(size, max_connections, LIMIT_CONNECTIONS)                                               \
    OPTION(size, max_connections_per_address, LIMIT_CONNECTIONS_PER_ADDRESS)                       \
    OPTION(size, max_concurrent_requests, LIMIT_CONCURRENT_REQUESTS)                               \
    OPTION(size, max_memory, LIMIT_MEMORY)                                                         \
    OPTION(size, min_body_rate, LIMIT_BODY_RATE)                                                   \
    OPTION(size, min_send_rate, LIMIT_SEND_RATE)                                                   \
    OPTION(size, websocket_max_message_rate, LIMIT_WS_MESSAGE_RATE)                                \
    OPTION(size, websocket_max_byte_rate, LIMIT_WS_BYTE_RATE)                                      \
    OPTION(size, websocket_max_message_size, LIMIT_WS_MESSAGE_SIZE)                                \
    OPTION(size, websocket_max_frame_size, LIMIT_WS_FRAME_SIZE)                                    \
    OPTION(size, websocket_max_groups, LIMIT_WS_GROUPS)                                            \
    OPTION(flag, ws_deflate, false)                                                                \
    OPTION(flag, ws_deflate_context_takeover, false)                                               \
    OPTION(window_bits, ws_deflate_window_bits, LIMIT_WS_DEFLATE_WINDOW_BITS)                      \
    OPTION(memory_level, ws_deflate_memory_level, LIMIT_WS_DEFLATE_MEMORY_LEVEL)                   \
    OPTION(size, ws_deflate_min_size, LIMIT_WS_DEFLATE_MIN_SIZE)                                   \
    OPTION(size, request_buffer_size, LIMIT_REQUEST_BUFFER_SIZE)                                   \
    OPTION(size, max_head_size, LIMIT_HEAD_SIZE)                                                   \
    OPTION(size, max_headers, LIMIT_HEADERS)                                                       \
    OPTION(size, write_high_water, LIMIT_WRITE_HIGH_WATER)                                         \
    OPTION(size, write_backlog_limit, LIMIT_WRITE_BACKLOG)                                         \
    OPTION(policy, slow_consumer, SLOW_CONSUMER_CLOSE)                                             \
    OPTION(flag, http2, true)                                                                      \
    OPTION(size, http2_max_streams, LIMIT_HTTP2_STREAMS)                                           \
    OPTION(size, http2_stream_window, LIMIT_HTTP2_STREAM_WINDOW)                                   \
    OPTION(size, http2_max_resets, LIMIT_HTTP2_RESETS)                                             \
    OPTION(size, http2_max_glitches, LIMIT_HTTP2_GLITCHES)                                         \
    OPTION(flag, forwarded, false)                                                                 \
    OPTION(flag, forwarded_host, false)                                                            \
    OPTION(seconds, static_max_age, LIMIT_STATIC_MAX_AGE_SECONDS)                                  \
    OPTION(flag, static_allow_all_origins, false)                                                  \
    OPTION(flag, date_header, true)

struct server_options {
#define OPTION_MEMBER(kind, name, value) option_##kind name;
    SERVER_OPTIONS(OPTION_MEMBER)
#undef OPTION_MEMBER
    struct access_format access_log_format;
    struct forwarding forwarding;
    struct slice server_header; /* empty: none; borrowed for the server's life */
};

#endif
