/* One request and its response, whatever HTTP version carries it: the seam behind which HTTP/1.1,
 * HTTP/2 and tunnels fit.
 *
 *   ENDED --begin--> WAITING --respond--> RESPONDING --last bytes, end--> ENDED
 *                    WAITING --open_tunnel--> TUNNEL --end_tunnel, end--> ENDED
 *                    any --abort, or the connection closes, end--> ENDED
 *
 * The protocol (http1_connection; later an HTTP/2 stream) embeds it, owns its memory and implements
 * exchange_ops: what differs between the versions. What does not is here: whom to notify, who the
 * client is, the access log. A *tunnel* carries raw bytes both ways behind a 101 (RFC 9110
 * section 7.8) or an extended CONNECT (RFC 8441): a WebSocket sits on one and never knows which. */
#ifndef CASGI_SERVER_EXCHANGE_H
#define CASGI_SERVER_EXCHANGE_H

#include "base/frame.h"
#include "base/status.h"
#include "http/request_head.h"
#include "http/response_head.h"
#include "net/file.h"
#include "server/application.h"

struct access_request;
struct address;
struct connection;
struct forwarded;

enum exchange_state { EXCHANGE_ENDED, EXCHANGE_WAITING, EXCHANGE_RESPONDING, EXCHANGE_TUNNEL };

/* What a version does by its own framing; each is described at the function that calls it. */
struct exchange_ops {
    int (*inform)(struct exchange *exchange, const struct http_response_head *head);
    int (*respond)(struct exchange *exchange, const struct http_response_head *head,
                   const struct http_response_facts *facts, int64_t body_length);
    int (*send)(struct exchange *exchange, struct slice bytes, bool is_last);
    int (*send_frame)(struct exchange *exchange, struct frame *frame, bool is_last);
    int (*send_file)(struct exchange *exchange, const struct file_range *range, bool is_last);
    int (*send_trailers)(struct exchange *exchange, const struct http_header *fields, size_t count);
    int (*queue_frame)(struct exchange *exchange, struct frame *frame, bool may_be_dropped);
    uint32_t (*drop_oldest)(struct exchange *exchange, size_t bytes);
    void (*flush)(struct exchange *exchange);
    size_t (*queued)(const struct exchange *exchange);
    uint64_t (*progress)(const struct exchange *exchange);
    bool (*is_congested)(struct exchange *exchange);
    int (*open_tunnel)(struct exchange *exchange, const struct http_response_head *head);
    void (*end_tunnel)(struct exchange *exchange);
    void (*pause)(struct exchange *exchange);
    void (*resume)(struct exchange *exchange);
    void (*abort)(struct exchange *exchange);
};

struct exchange {
    const struct exchange_ops *ops;
    struct connection *connection;        /* borrowed */
    const struct exchange_events *events; /* NULL until attached, and after on_end() */
    void *owner;                          /* passed to the events */
    const struct http_request_head
        *request; /* valid inside on_request() and on_websocket() only, NULL afterwards */
    struct access_request *access_request; /* owned; NULL when the access log is off */
    struct forwarded *forwarded; /* owned: what a trusted proxy says of the client, or NULL */
    struct upload *upload;       /* owned: watches the body, while it is awaited and not whole */
    int64_t bytes_sent;          /* of the body, for the access log */
    uint64_t last_heard;         /* event_loop_now() of the last bytes of the peer */
    int status;                  /* of the response, 0 before */
    enum exchange_state state;
    bool awaits_body;     /* its last byte has not come */
    bool is_paused;       /* the application does not want more of it just now */
    bool is_counted;      /* among the requests under way: admission.h */
    bool takes_trailers;  /* the client has said TE: trailers */
    bool is_disconnected; /* on_disconnect() was called */
};

/* --- For whoever answers --- */

/* Says who answers; *borrows* both until on_end(). */
static inline void exchange_attach(struct exchange *exchange, const struct exchange_events *events,
                                   void *owner) {
    exchange->events = events;
    exchange->owner = owner;
}

/* Sends an interim response at once, such as 103 (RFC 9110 section 15.2); the final one follows.
 * `head` has passed http_response_head_check() and is a 1xx but 101. Dropped where the version of
 * the client knows none. STATUS_OK, STATUS_STATE when the response has begun, STATUS_CLOSED,
 * STATUS_NO_MEMORY. */
static inline int exchange_inform(struct exchange *exchange,
                                  const struct http_response_head *head) {
    return exchange->ops->inform(exchange, head);
}

/* Begins the response; its head leaves with the first bytes of the body. `facts` come from
 * http_response_head_check(), which the caller has passed. `body_length` is the number of body
 * bytes that will follow, 0 for none (the response ends here, and the exchange may be over), -1
 * when not known. STATUS_OK, STATUS_STATE when it has begun, STATUS_CLOSED when the client is gone,
 * STATUS_NO_MEMORY. */
static inline int exchange_respond(struct exchange *exchange, const struct http_response_head *head,
                                   const struct http_response_facts *facts, int64_t body_length) {
    return exchange->ops->respond(exchange, head, facts, body_length);
}

/* Sends body or tunnel bytes by copy, for small ones; is_last ends the response, after which the
 * exchange may be over. STATUS_OK, STATUS_CLOSED, STATUS_STATE, STATUS_INVALID (more or fewer than
 * the Content-Length said; the connection is cut), STATUS_NO_MEMORY. */
static inline int exchange_send(struct exchange *exchange, struct slice bytes, bool is_last) {
    return exchange->ops->send(exchange, bytes, is_last);
}

/* As exchange_send() without a copy; *takes* the reference in every case. */
static inline int exchange_send_frame(struct exchange *exchange, struct frame *frame,
                                      bool is_last) {
    return exchange->ops->send_frame(exchange, frame, is_last);
}

/* As exchange_send() of a part of a regular file, which is not copied, and counts as unsent until
 * the socket has it: whoever sends more waits as exchange_is_congested() says. *Takes* the
 * reference to the file in every case. The file is read when its turn comes; when it has become
 * shorter by then, the response is cut in a way that the client can not take for its end.
 * STATUS_SYSTEM when that is known at once. */
static inline int exchange_send_file(struct exchange *exchange, const struct file_range *range,
                                     bool is_last) {
    return exchange->ops->send_file(exchange, range, is_last);
}

/* Ends a response whose head said `trailers`, and whose parts were not the last, by these fields,
 * after which the exchange may be over. They have passed http_response_trailers_check(). Dropped
 * where the client has not said that it takes them, and where the framing has no place for them.
 * Statuses as exchange_send(). */
static inline int exchange_send_trailers(struct exchange *exchange,
                                         const struct http_header *fields, size_t count) {
    return exchange->ops->send_trailers(exchange, fields, exchange->takes_trailers ? count : 0);
}

/* As exchange_send_frame() for a tunnel in a fan-out: the frame leaves at the end of the turn. It
 * is there for exchange_drop_oldest() as long as nothing of it is on its way, if it may be dropped.
 */
static inline int exchange_queue_frame(struct exchange *exchange, struct frame *frame,
                                       bool may_be_dropped) {
    return exchange->ops->queue_frame(exchange, frame, may_be_dropped);
}

/* Takes the oldest frames that may be dropped out of what waits, until `bytes` are freed. Returns
 * how many: 0, and nothing is dropped, when there are not enough of them. */
static inline uint32_t exchange_drop_oldest(struct exchange *exchange, size_t bytes) {
    return exchange->ops->drop_oldest(exchange, bytes);
}

/* Writes what the socket takes just now, before exchange_queued() is held against the peer. Runs no
 * application code. */
static inline void exchange_flush(struct exchange *exchange) {
    exchange->ops->flush(exchange);
}

/* Unsent bytes of the exchange. */
static inline size_t exchange_queued(const struct exchange *exchange) {
    return exchange->ops->queued(exchange);
}

/* Bytes of the exchange that the socket has taken since some moment: while bytes are queued, it
 * distinguishes a slow peer from one that takes nothing. */
static inline uint64_t exchange_progress(const struct exchange *exchange) {
    return exchange->ops->progress(exchange);
}

/* event_loop_now() when the peer's last bytes came; 0 before the first. */
static inline uint64_t exchange_last_heard(const struct exchange *exchange) {
    return exchange->last_heard;
}

/* True when more unsent bytes wait than the high-water mark: on_drain() will come. */
static inline bool exchange_is_congested(struct exchange *exchange) {
    return exchange->ops->is_congested(exchange);
}

/* Turns the exchange into a tunnel, answering with `head` and the version's own framing. From now
 * on on_body() gives raw bytes; those that came right behind the request follow after this returns.
 * Statuses as exchange_respond(). */
static inline int exchange_open_tunnel(struct exchange *exchange,
                                       const struct http_response_head *head) {
    return exchange->ops->open_tunnel(exchange, head);
}

/* Ends our side of the tunnel behind what was sent, then the connection (or HTTP/2 stream) with it.
 * Idempotent. */
static inline void exchange_end_tunnel(struct exchange *exchange) {
    exchange->ops->end_tunnel(exchange);
}

/* Stops and goes on delivering body or tunnel bytes (what was already read still comes).
 * Idempotent. */
static inline void exchange_pause(struct exchange *exchange) {
    exchange->is_paused = true;
    exchange->ops->pause(exchange);
}
static inline void exchange_resume(struct exchange *exchange) {
    exchange->is_paused = false;
    exchange->ops->resume(exchange);
}

/* Gives up: HTTP/1 cuts the connection, HTTP/2 resets the stream. Idempotent; on_end() follows from
 * the loop. */
static inline void exchange_abort(struct exchange *exchange) {
    exchange->ops->abort(exchange);
}

/* Answers with a short text and ends the response, after which the exchange may be over. `header`
 * (*borrows*) is added, unless NULL. Nothing when a response has begun; without memory it is
 * aborted.
 */
void exchange_answer(struct exchange *exchange, int status, struct slice text,
                     const struct http_header *header);

/* --- Whose request it is --- */

/* Returns the address of the client: what a trusted proxy says, else the peer's. ADDRESS_NONE when
 * there is nothing to tell. *Borrowed* until the exchange ends. */
const struct address *exchange_client(const struct exchange *exchange);

/* Whether the client speaks https or wss: a trusted proxy's word of its own side, else the
 * transport. */
bool exchange_is_secure(const struct exchange *exchange);

/* The number of the connection that carries it, by which `casgi ctl` names it. */
uint64_t exchange_connection_number(const struct exchange *exchange);

/* The host that a trusted proxy was asked for, if its word stands for Host (--forwarded-host); else
 * empty. While exchange->request is there. */
struct slice exchange_forwarded_host(const struct exchange *exchange);

/* The path, still percent-encoded, that a trusted proxy has mounted us under; data is NULL when
 * none says so. While exchange->request is there. */
struct slice exchange_root_path(const struct exchange *exchange);

/* --- For the protocol that carries it --- */

/* A request is there: WAITING, with nobody attached. *Borrows* the head, which the protocol takes
 * away by setting exchange->request to NULL. */
void exchange_begin(struct exchange *exchange, const struct http_request_head *head);

static inline bool exchange_is_active(const struct exchange *exchange) {
    return exchange->state != EXCHANGE_ENDED;
}

/* Offers the request of exchange->request to whoever answers it: the static files, else the
 * application (application_events.on_request). Returns a status; on failure nobody is attached, and
 * the protocol answers 500. The exchange may be over afterwards. Runs no application code. */
int exchange_offer(struct exchange *exchange);

/* Passes bytes on (exchange_events.on_body); false when nobody is attached. */
bool exchange_deliver(struct exchange *exchange, struct slice bytes, bool is_last);

/* These pass the event on, if somebody is attached. Application code runs. */
void exchange_make_ready(struct exchange *exchange);
void exchange_drain(struct exchange *exchange);
void exchange_shut_down(struct exchange *exchange);

/* Notifies once that nobody waits for the answer any more. Nothing when ENDED. Application code
 * runs.
 */
void exchange_disconnect(struct exchange *exchange);

/* ENDED: logs the response and reports the last event. Nothing when that has happened. */
void exchange_end(struct exchange *exchange);

#endif
