/* Who is let in: how many connections there may be, in all and of one address, how many requests at
 * once, and how much memory. Whoever is not is answered 503 and told when to come again.
 *
 * Without limits it costs two additions a connection. Counted are the connections that were let in;
 * those that are being refused are bounded by about as many again. */
#ifndef CASGI_SERVER_ADMISSION_H
#define CASGI_SERVER_ADMISSION_H

#include "base/log_pause.h"
#include "base/table.h"

struct address_share;
struct connection;
struct exchange;
struct server;

struct admission {
    size_t connections;     /* let in, and not closed yet */
    size_t requests;        /* under way */
    struct table addresses; /* of struct address_share */
    uint64_t memory;        /* bytes that the process had in memory when it was looked at */
    uint64_t looked_at;     /* event_loop_now() of then; 0: not yet */
    struct log_pause pause; /* of lines about who was refused */
    uint32_t refused;
};

void admission_init(struct admission *admission);
void admission_release(struct admission *admission);

/* Whether so many connections are being refused that one more is not even answered. */
bool admission_is_flooded(const struct server *server);

/* A connection was accepted: counts it, or sets connection->refusal. */
void admission_enter(struct connection *connection);

/* Its proxy has said who it is: looks at that address. As admission_enter(), and as early: a
 * handshake that never ends has a share, too. */
void admission_identify(struct connection *connection);

/* It is closed. */
void admission_leave(struct connection *connection);

/* A request's head is here: counts it until admission_end_request(). Returns false when there are
 * too many: the request was answered 503. */
bool admission_begin_request(struct exchange *exchange);
void admission_end_request(struct exchange *exchange);

/* Counts a refusal with 503 for the reason (static), and says it in the log, at most once a second:
 * they come by the thousand. Returns the seconds after which the client shall come again, another
 * number for each, so that they do not come all at once. */
unsigned admission_refuse(struct connection *connection, const char *reason);

#endif
