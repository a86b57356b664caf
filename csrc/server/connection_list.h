/* What there is to say of each connection of a server, for whoever looks at it from outside, and
 * the end of one of them. */
#ifndef CASGI_SERVER_CONNECTION_LIST_H
#define CASGI_SERVER_CONNECTION_LIST_H

#include "server/connection.h"

struct connection_facts {
    uint64_t number;      /* connection->number */
    double age;           /* seconds since it was accepted */
    double silent;        /* seconds since the last byte came */
    size_t unsent;        /* bytes that wait for the peer */
    struct address peer;  /* ADDRESS_NONE when it is not known */
    const char *protocol; /* static; NULL before one is spoken */
    enum connection_state state;
    bool is_secure;
};

/* Returns new array of the facts of all connections, or NULL without memory, to be freed with
 * memory_free(). On any thread that holds the GIL. Runs no Python code. */
struct connection_facts *connection_list_new(struct server *server, size_t *count);

/* Closes the connection of this number: its open WebSockets with the code and the reason, in good
 * order; one that has none, and any with the code 0, at once. Returns whether there is such a
 * connection. Application code may run. */
bool connection_list_close(struct server *server, uint64_t number, int code, struct slice reason);

#endif
