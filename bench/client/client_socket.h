/* client_socket: a blocking connection to the server on loopback, plain or with TLS. The caller
 * owns the struct; what it holds is released by the end of the process. Any surprise ends the
 * program with a line on stderr. It does not look at the server's certificate. */
#ifndef BENCH_CLIENT_SOCKET_H
#define BENCH_CLIENT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_SECONDS = 10 /* one handshake, or any other single answer */ };

struct client_socket {
    int fd;
    void *tls; /* OpenSSL's connection; NULL: none */
};

/* Ends the program with a line on stderr. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Connects; `send_buffer` is how much the kernel is to take at once, 0: as much as it likes.
 * With TLS, `protocol` is asked for by ALPN. */
void client_socket_connect(struct client_socket *socket, uint16_t port, int send_buffer,
                           bool is_tls, const char *protocol);

/* Sends all the bytes at once; they are borrowed. */
void client_socket_send(struct client_socket *socket, const uint8_t *bytes, size_t length);

/* Waits for bytes; returns how many came, 0 when they were TLS's own. */
size_t client_socket_receive(struct client_socket *socket, uint8_t *room, size_t length);

/* True when bytes are there that the kernel knows nothing of. */
bool client_socket_has_more(const struct client_socket *socket);

#endif
