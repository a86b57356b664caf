/* The server. Owns its listeners and its shared parts; connections own themselves and stand in its
 * list. Never calls Python, never blocks. */
#include "server/server.h"

#include <time.h>

#include "base/limits.h"
#include "base/memory.h"
#include "server/busy_connection.h"
#include "server/connection.h"
#include "server/http1_connection.h"
#include "server/http2_connection.h"
#include "server/server_observer.h"
#include "server/server_worker.h"
#include "server/websocket.h"

/* The one place that knows which protocols there are. */
static const struct protocol_ops *choose_protocol(const struct server *server,
                                                  const struct stream *stream) {
    bool is_http2 = server->options.http2 && slice_equals(stream->protocol, SLICE_LITERAL("h2"));
    return is_http2 ? &http2_connection_ops : &http1_connection_ops;
}

static void free_pools(struct server *server) {
    ws_decoder_pool_free(server->ws_decoders);
    ws_deflater_pool_free(server->ws_deflaters);
    ws_inflater_pool_free(server->ws_inflaters);
}

static void on_log_lost(void *owner, int error) {
    struct server *server = owner;
    if (log_pause_is_over(&server->log_lost_pause, event_loop_now(server->loop),
                          LIMIT_LOG_LOST_SECONDS)) {
        server->application->on_log_lost(server->owner, error);
    }
}

struct server *server_new(struct event_loop *loop, const struct server_options *options,
                          const struct application_events *events, void *owner, int access_log) {
    struct server *server = memory_allocate_zeroed(sizeof(*server));
    if (server == NULL) {
        return NULL;
    }
    server->loop = loop;
    server->choose_protocol = choose_protocol;
    server->prior_knowledge = options->http2 ? &http2_connection_ops : NULL;
    server->refusing = &busy_connection_ops;
    server->options = *options;
    server->ws_limits = (struct ws_session_limits){
        .message_size = options->websocket_max_message_size,
        .frame_size = options->websocket_max_frame_size,
        .fragments = LIMIT_WS_FRAGMENTS,
        .rate = {.messages = options->websocket_max_message_rate,
                 .bytes = options->websocket_max_byte_rate},
    };
    server->ws_deflate = (struct ws_deflate_settings){
        .is_on = options->ws_deflate,
        .has_takeover = options->ws_deflate_context_takeover,
        .window_bits = options->ws_deflate_window_bits,
        .memory_level = options->ws_deflate_memory_level,
        .least_size = options->ws_deflate_min_size,
    };
    server->application = events;
    server->owner = owner;
    server->date.second = -1;
    list_init(&server->connections);
    list_init(&server->websockets);
    admission_init(&server->admission);
    groups_init(&server->groups, (struct group_bus){NULL, NULL});
    access_log_init(&server->access_log, loop, access_log, &options->access_log_format, on_log_lost,
                    server);
    server->ws_decoders = ws_decoder_pool_new();
    server->ws_deflaters = ws_deflater_pool_new(&server->ws_deflate);
    server->ws_inflaters = ws_inflater_pool_new();
    if (server->ws_decoders == NULL || server->ws_deflaters == NULL ||
        server->ws_inflaters == NULL) {
        free_pools(server);
        memory_free(server);
        return NULL;
    }
    return server;
}

static void on_exhausted(void *owner, int error) {
    struct server *server = owner;
    if (log_pause_is_over(&server->exhausted_pause, event_loop_now(server->loop),
                          LIMIT_EXHAUSTED_LOG_SECONDS)) {
        server->application->on_exhausted(server->owner, error);
    }
}

static const struct listener_events listener_events = {
    .on_accept = connection_accept,
    .on_exhausted = on_exhausted,
};

int server_listen(struct server *server, int descriptor, int backlog,
                  const struct stream_factory *factory) {
    struct listener **listeners =
        memory_resize(server->listeners, (server->listener_count + 1) * sizeof(*listeners));
    if (listeners == NULL) {
        return STATUS_NO_MEMORY;
    }
    server->listeners = listeners;
    int error = 0;
    struct listener *listener =
        listener_new(server->loop, descriptor, backlog, factory, &listener_events, server, &error);
    if (listener == NULL) {
        return error;
    }
    listeners[server->listener_count++] = listener;
    return STATUS_OK;
}

void server_stop_listening(struct server *server) {
    server_worker_leave(server);
    while (server->listener_count > 0) {
        listener_close(server->listeners[--server->listener_count]);
    }
    memory_free(server->listeners);
    server->listeners = NULL;
}

/* Calls `end` for every connection there is now. It may run application code, which may end any of
 * them, and turn the loop until they are gone: who has had a turn goes to the end of the list. */
static void end_connections(struct server *server, void (*end)(struct connection *connection)) {
    struct list *connections = &server->connections;
    for (size_t left = server->connection_count; left > 0 && !list_is_empty(connections); left--) {
        struct list *link = connections->next;
        list_remove(link);
        list_append(connections, link);
        end(LIST_OBJECT(link, struct connection, link));
    }
}

void server_leave(struct server *server) {
    server_stop_listening(server);
    if (!server->is_leaving) {
        server->is_leaving = true;
        end_connections(server, connection_leave);
    }
}

size_t server_close_websockets(struct server *server, size_t most) {
    struct list *websockets = &server->websockets;
    size_t closed = 0;
    for (size_t left = server->websocket_count;
         left > 0 && closed < most && !list_is_empty(websockets); left--) {
        struct list *link = websockets->next;
        list_remove(link); /* who is closing goes to the end, and is not met again soon */
        list_append(websockets, link);
        struct websocket *websocket = LIST_OBJECT(link, struct websocket, link);
        if (websocket->state == WEBSOCKET_OPEN) {
            closed++;
            websocket_shutdown(websocket);
        }
    }
    return closed;
}

void server_shutdown(struct server *server) {
    server_stop_listening(server);
    server->is_leaving = true;
    if (!server->is_draining) {
        server->is_draining = true;
        end_connections(server, connection_shut_down);
    }
}

void server_abort(struct server *server) {
    server_stop_listening(server);
    server->is_leaving = server->is_draining = true;
    end_connections(server, connection_close);
}

void server_leave_to_parent(struct server *server) {
    access_log_discard(&server->access_log);
    server_worker_leave_to_parent(server);
    server_observer_end(server);
    event_loop_leave_to_parent(server->loop);
}

void server_refuse(struct server *server, const struct address *client, int http_status,
                   const char *reason) {
    metrics_add(&server->metrics, METRIC_requests_refused, 1);
    server->application->on_refused(server->owner, client, http_status, reason);
}

double server_stall_seconds(const struct server *server) {
    return server->is_draining ? LIMIT_DRAIN_STALL_SECONDS : server->options.send_timeout;
}

bool server_is_stalled(const struct server *server, uint64_t taken) {
    double least = (double)server->options.min_send_rate * server->options.send_timeout;
    return taken == 0 || (!server->is_draining && (double)taken < least);
}

struct slice server_date(struct server *server) {
    if (!server->options.date_header) {
        return SLICE_EMPTY;
    }
    uint64_t turn = event_loop_turn_number(server->loop);
    if (server->date.second < 0 || turn != server->date_turn) {
        server->date_turn = turn;
        return http_date_at(&server->date, (int64_t)time(NULL));
    }
    return slice_of(server->date.text, HTTP_DATE_LENGTH);
}

void server_free(struct server *server) {
    if (server == NULL) {
        return;
    }
    server_stop_listening(server);
    server_worker_release(server);
    server_observer_end(server);
    access_log_close(&server->access_log);
    free_pools(server);
    groups_release(&server->groups);
    admission_release(&server->admission);
    static_files_release(&server->static_files);
    network_list_release(&server->trusted);
    memory_free(server);
}
