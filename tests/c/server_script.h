/* A server without sockets, whose application is a double: it records what it is told. Tests set
 * `take_request` and `take_websocket` to attach somebody. */
#ifndef CASGI_TESTS_SERVER_SCRIPT_H
#define CASGI_TESTS_SERVER_SCRIPT_H

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "frame_copy.h"
#include "record.h"
#include "server/connection.h"
#include "server/exchange.h"
#include "server/server.h"

struct server_script {
    struct event_loop *loop;
    struct server *server;
    struct record record;
    int (*take_request)(struct server_script *script, struct exchange *exchange);
    int (*take_websocket)(struct server_script *script, struct websocket *websocket);
};

static inline int script_on_request(void *application, struct exchange *exchange) {
    struct server_script *script = application;
    record_add(&script->record, "request %.*s;", (int)exchange->request->path.length,
               exchange->request->path.data);
    return script->take_request != NULL ? script->take_request(script, exchange) : STATUS_NO_MEMORY;
}

static inline int script_on_websocket(void *application, struct websocket *websocket) {
    struct server_script *script = application;
    record_add(&script->record, "websocket;");
    return script->take_websocket != NULL ? script->take_websocket(script, websocket)
                                          : STATUS_NO_MEMORY;
}

static inline void script_on_connection_end(void *application, struct connection *connection) {
    (void)connection;
    record_add(&((struct server_script *)application)->record, "connection end;");
}

static inline void script_on_idle(void *application) {
    record_add(&((struct server_script *)application)->record, "idle;");
}

static inline void script_on_refused(void *application, const struct address *client, int status,
                                     const char *reason) {
    record_add(&((struct server_script *)application)->record, "refused %s %d %s;", client->host,
               status, reason);
}

static inline void script_on_exhausted(void *application, int error) {
    record_add(&((struct server_script *)application)->record, "exhausted %d;", error);
}

static inline void script_on_log_lost(void *application, int error) {
    record_add(&((struct server_script *)application)->record, "log lost %d;", error);
}

static const struct application_events script_application = {
    .on_request = script_on_request,
    .on_websocket = script_on_websocket,
    .on_connection_end = script_on_connection_end,
    .on_idle = script_on_idle,
    .on_refused = script_on_refused,
    .on_exhausted = script_on_exhausted,
    .on_log_lost = script_on_log_lost,
};

/* Turns its loop until the condition holds, for ten seconds at most. */
#define TURN_UNTIL(script, condition)                                                              \
    do {                                                                                           \
        for (int turns = 0; !(condition) && turns < 500; turns++) {                                \
            event_loop_turn((script)->loop, 20);                                                   \
        }                                                                                          \
        CHECK(condition);                                                                          \
    } while (0)

/* Has its connections accepted an hour ago, so that none is new. */
static inline void server_script_age(struct server_script *script) {
    struct list *connections = &script->server->connections;
    for (struct list *link = connections->next; link != connections; link = link->next) {
        LIST_OBJECT(link, struct connection, link)->opened -= 3600 * 1000;
    }
}

/* Has them accepted in an hour, so that they stay new however long a test is held up. */
static inline void server_script_stay_new(struct server_script *script) {
    struct list *connections = &script->server->connections;
    for (struct list *link = connections->next; link != connections; link = link->next) {
        LIST_OBJECT(link, struct connection, link)->opened += 3600 * 1000;
    }
}

/* No time-outs, the ordinary limits. */
static inline struct server_options script_options(void) {
    return (struct server_options){
        .http_timeout = -1,
        .header_timeout = -1,
        .keep_alive_timeout = -1,
        .body_timeout = -1,
        .send_timeout = LIMIT_STALL_SECONDS,
        .websocket_timeout = -1,
        .websocket_connect_timeout = -1,
        .ping_interval = -1,
        .ping_timeout = -1,
        .websocket_max_message_size = LIMIT_WS_MESSAGE_SIZE,
        .websocket_max_frame_size = LIMIT_WS_FRAME_SIZE,
        .max_head_size = LIMIT_HEAD_SIZE,
        .max_headers = LIMIT_HEADERS,
        .write_high_water = LIMIT_WRITE_HIGH_WATER,
        .write_backlog_limit = LIMIT_WRITE_BACKLOG,
    };
}

/* Opens all but the application's behaviour. `access_log` is a descriptor, or -1. */
static inline void server_script_open(struct server_script *script,
                                      const struct server_options *options, int access_log) {
    memset(script, 0, sizeof(*script));
    script->loop = event_loop_new();
    script->server = server_new(script->loop, options, &script_application, script, access_log);
    CHECK(script->server != NULL);
}

static inline void server_script_close(struct server_script *script) {
    server_free(script->server);
    event_loop_free(script->loop);
    record_clear(&script->record);
}

/* What main() ends with: nothing may be alive. */
static inline int server_report(void) {
    for (int kind = 0; kind < COUNTER_COUNT; kind++) {
        CHECK_ROW(counters_alive((enum counter)kind) == 0, counters_name((enum counter)kind));
    }
    return check_report();
}

#endif
