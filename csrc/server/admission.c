/* Who is let in. Owns the counts; connections and exchanges only remember that they are in them. */
#include "server/admission.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "server/connection.h"
#include "server/exchange.h"
#include "server/server.h"

static const char ADDRESS_IS_FULL[] = "its address has --max-connections-per-address";

/* The connections of one address, while there are any. */
struct address_share {
    struct table_entry entry;
    char key[16];
    size_t connections;
};

void admission_init(struct admission *admission) {
    *admission = (struct admission){.connections = 0};
    uint64_t seed = (uintptr_t)admission;
    table_init(&admission->addresses, seed ^ (seed >> 13));
}

void admission_release(struct admission *admission) {
    table_release(&admission->addresses);
}

/* --- By address --- */

/* What one client can have as many of as it likes counts as one: of IPv6 the network's half of an
 * address. Returns the key's length, 0 when the peer has no address. */
static size_t key_of(const struct address *address, char key[16]) {
    if (address->family == ADDRESS_INET && inet_pton(AF_INET, address->host, key) == 1) {
        return sizeof(struct in_addr);
    }
    struct in6_addr address6;
    if (address->family != ADDRESS_INET6 || inet_pton(AF_INET6, address->host, &address6) != 1) {
        return 0;
    }
    memcpy(key, &address6, sizeof(address6));
    return IN6_IS_ADDR_V4MAPPED(&address6) || IN6_IS_ADDR_LOOPBACK(&address6)
               ? sizeof(address6)
               : sizeof(address6) / 2;
}

/* A proxy brings the connections of many. */
static bool is_proxy(struct connection *connection) {
    const struct forwarding *forwarding = &connection->server->options.forwarding;
    bool reads_headers = forwarding->reads_forwarded || forwarding->address_header[0] != '\0';
    return reads_headers && connection_is_trusted(connection);
}

/* Returns the share of an address, new if need be; NULL without memory. */
static struct address_share *share_of(struct admission *admission, struct slice name) {
    struct table_entry *entry = table_find(&admission->addresses, name);
    if (entry != NULL) {
        return TABLE_OBJECT(entry, struct address_share, entry);
    }
    struct address_share *share = memory_allocate_zeroed(sizeof(*share));
    if (share == NULL) {
        return NULL;
    }
    memcpy(share->key, name.data, name.length);
    share->entry.name = slice_of(share->key, name.length);
    if (table_put(&admission->addresses, &share->entry) != STATUS_OK) {
        memory_free(share);
        return NULL;
    }
    return share;
}

/* Counts the connection with its address; false when that has as many as it may. */
static bool take_share(struct connection *connection) {
    struct admission *admission = &connection->server->admission;
    size_t most = connection->server->options.max_connections_per_address;
    char key[16];
    size_t length = most > 0 ? key_of(connection_peer(connection), key) : 0;
    if (length == 0 || is_proxy(connection)) {
        return true;
    }
    struct address_share *share = share_of(admission, slice_of(key, length));
    if (share != NULL && share->connections >= most) {
        return false;
    }
    if (share != NULL) {
        share->connections++;
        connection->share = share;
    }
    return true;
}

static void give_back_share(struct connection *connection) {
    struct address_share *share = connection->share;
    connection->share = NULL;
    if (share != NULL && --share->connections == 0) {
        table_remove(&connection->server->admission.addresses, &share->entry);
        memory_free(share);
    }
}

/* --- By memory --- */

/* Returns the bytes of the process that are in memory, 0 when the system does not say: proc(5). */
static uint64_t resident_bytes(void) {
    unsigned long long total = 0;
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    int read = fscanf(file, "%llu %llu", &total, &resident);
    (void)fclose(file);
    return read == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static bool has_memory(struct server *server) {
    struct admission *admission = &server->admission;
    if (server->options.max_memory == 0) {
        return true;
    }
    uint64_t now = event_loop_now(server->loop);
    if (admission->looked_at == 0 ||
        now - admission->looked_at >= LIMIT_MEMORY_LOOK_SECONDS * 1000) {
        admission->looked_at = now > 0 ? now : 1;
        admission->memory = resident_bytes();
    }
    return admission->memory <= server->options.max_memory;
}

/* --- Connections --- */

bool admission_is_flooded(const struct server *server) {
    size_t most = server->options.max_connections;
    size_t refusing = server->connection_count - server->admission.connections;
    return most > 0 && refusing >= (most > LIMIT_REFUSING_LEAST ? most : LIMIT_REFUSING_LEAST);
}

void admission_enter(struct connection *connection) {
    struct server *server = connection->server;
    size_t most = server->options.max_connections;
    if (most > 0 && server->admission.connections >= most) {
        connection->refusal = "there are --max-connections";
    } else if (!has_memory(server)) {
        connection->refusal = "more memory is in use than --max-memory";
    } else if (!connection->stream->is_relayed && !take_share(connection)) {
        connection->refusal = ADDRESS_IS_FULL;
    } else {
        server->admission.connections++;
    }
}

void admission_identify(struct connection *connection) {
    if (connection->stream->is_relayed && connection->refusal == NULL && !take_share(connection)) {
        connection->refusal = ADDRESS_IS_FULL;
        connection->server->admission.connections--;
    }
}

void admission_leave(struct connection *connection) {
    give_back_share(connection);
    if (connection->refusal == NULL) {
        connection->server->admission.connections--;
    }
}

/* --- Requests --- */

bool admission_begin_request(struct exchange *exchange) {
    struct server *server = exchange->connection->server;
    size_t most = server->options.max_concurrent_requests;
    if (most > 0 && server->admission.requests >= most) {
        char seconds[12];
        int length = snprintf(seconds, sizeof(seconds), "%u",
                              admission_refuse(exchange->connection,
                                               "there are --max-concurrent-requests under way"));
        struct http_header retry = {SLICE_LITERAL("retry-after"),
                                    slice_of(seconds, (size_t)length)};
        exchange_answer(exchange, 503, SLICE_LITERAL("Service Unavailable"), &retry);
        return false;
    }
    server->admission.requests++;
    exchange->is_counted = true;
    return true;
}

void admission_end_request(struct exchange *exchange) {
    if (exchange->is_counted) {
        exchange->is_counted = false;
        exchange->connection->server->admission.requests--;
    }
}

unsigned admission_refuse(struct connection *connection, const char *reason) {
    struct server *server = connection->server;
    struct admission *admission = &server->admission;
    if (log_pause_is_over(&admission->pause, event_loop_now(server->loop),
                          LIMIT_REFUSAL_LOG_SECONDS)) {
        server_refuse(server, connection_peer(connection), 503, reason);
    } else {
        metrics_add(&server->metrics, METRIC_requests_refused, 1);
    }
    return 1 + admission->refused++ % LIMIT_RETRY_SECONDS;
}
