/* The server: listeners, connections, options, and what they share. Plain C; the application is
 * known by application_events only.
 *
 *   RUNNING --server_leave--> LEAVING
 *   RUNNING, LEAVING --server_shutdown--> DRAINING --last connection closed (on_idle)--> server_free */
#ifndef CASGI_SERVER_SERVER_H
#define CASGI_SERVER_SERVER_H

#include "base/list.h"
#include "base/metrics.h"
#include "http/http_date.h"
#include "net/listener.h"
#include "server/access_log.h"
#include "server/admission.h"
#include "server/application.h"
#include "server/groups.h"
#include "server/server_options.h"
#include "server/static_files.h"
#include "ws/ws_deflater.h"
#include "ws/ws_session.h"

struct server {
    struct event_loop *loop; /* borrowed */
    /* Returns what is spoken on a stream that is open. */
    const struct protocol_ops *(*choose_protocol)(const struct server *server,
                                                  const struct stream *stream);
    /* What a client may begin to speak instead, if its first bytes are the preface of that; NULL:
     * nothing. */
    const struct protocol_ops *prior_knowledge;
    const struct protocol_ops *refusing; /* spoken with who is not let in */
    struct server_options options;
    const struct application_events *application;
    void *owner; /* passed to the application's events */
    struct list connections;
    size_t connection_count;
    uint64_t last_number; /* of the connection that was accepted last */
    struct list websockets;
    size_t websocket_count;
    struct admission admission;
    struct listener **listeners;
    size_t listener_count;
    struct log_pause exhausted_pause; /* of lines about who could not be accepted */
    struct log_pause log_lost_pause;  /* of those about the access log's own */
    struct ws_decoder_pool *ws_decoders;
    struct ws_session_limits ws_limits; /* of every session */
    struct ws_deflate_settings ws_deflate;
    struct ws_deflater_pool *ws_deflaters;
    struct ws_inflater_pool *ws_inflaters;
    struct groups groups;
    struct static_files static_files;
    struct network_list trusted; /* proxies whose headers are believed; nobody at first */
    struct http_date date;
    uint64_t date_turn; /* turn in which the date was looked at */
    struct access_log access_log;
    struct metrics metrics;
    struct connection_balance *balance; /* NULL unless it is one of several workers */
    struct turn_report turn_report;     /* for it, and for what is observed */
    struct observations *observations;  /* NULL unless somebody asks: server_observer.h */
    _Atomic uint64_t turn_began;        /* event_loop_clock(), for these; 0 while it waits */
    bool is_leaving;                    /* answers say that their connection closes */
    bool is_draining;                   /* idle connections close, too */
};

/* Returns new server on `loop`, or NULL without memory. *Borrows* loop, events and owner; copies
 * the options. `access_log` is a descriptor or -1. */
struct server *server_new(struct event_loop *loop, const struct server_options *options,
                          const struct application_events *events, void *owner, int access_log);

/* Listens on a bound socket, with streams of `factory` (*borrows* for the server's life). Returns
 * STATUS_OK, or a negative libuv error code. */
int server_listen(struct server *server, int descriptor, int backlog,
                  const struct stream_factory *factory);

/* Closes all listeners, after what was passed to this worker was taken; idempotent. */
void server_stop_listening(struct server *server);

/* Stops listening. Every connection goes on, and is told with the next answer that it was the last:
 * another server has its place, to which a client that is idle now comes back. */
void server_leave(struct server *server);

/* Closes up to `most` WebSockets with 1012. Returns how many: fewer when none is left. */
size_t server_close_websockets(struct server *server, size_t most);

/* Stops listening and ends every connection in good order. */
void server_shutdown(struct server *server);

/* Closes every connection now. */
void server_abort(struct server *server);

/* In a forked child: the connections, listeners and lines of the log are the parent's. */
void server_leave_to_parent(struct server *server);

/* Counts what the application never sees, and notifies it: application_events.on_refused. */
void server_refuse(struct server *server, const struct address *client, int http_status,
                   const char *reason);

/* Seconds within which a peer has to take some of what waits for it; below 0: whenever it likes. */
double server_stall_seconds(const struct server *server);

/* Whether it has taken so little in that time that it is to be closed. */
bool server_is_stalled(const struct server *server, uint64_t taken);

/* The Date header's value now, or empty when the option is off. */
struct slice server_date(struct server *server);

/* Frees the server, whose connections must all be closed. */
void server_free(struct server *server);

#endif
