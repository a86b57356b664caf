/* client_socket: see client_socket.h. Owns OpenSSL's one context. */
#define _GNU_SOURCE
#include "client_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static SSL_CTX *context;

_Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static const char *tls_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "the connection ended";
}

/* Thousands of connections: none keeps buffers. A ticket, which comes behind the handshake, must
 * not make a read wait for data. */
static SSL_CTX *make_context(void) {
    SSL_CTX *made = SSL_CTX_new(TLS_client_method());
    if (!made)
        fail("TLS cannot be started: %s", tls_reason());
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(made, SSL_MODE_AUTO_RETRY);
    return made;
}

static void start_tls(struct client_socket *socket, const char *protocol) {
    unsigned char names[32];
    size_t length = strlen(protocol);
    if (!context)
        context = make_context();
    SSL *tls = SSL_new(context);
    names[0] = (unsigned char)length;
    memcpy(names + 1, protocol, length);
    if (!tls || SSL_set_alpn_protos(tls, names, (unsigned)length + 1) != 0 ||
        SSL_set_fd(tls, socket->fd) != 1 || SSL_connect(tls) != 1)
        fail("no TLS with the server: %s", tls_reason());
    socket->tls = tls;
}

void client_socket_connect(struct client_socket *client, uint16_t port, int send_buffer,
                           bool is_tls, const char *protocol) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int enabled = 1;
    client->tls = NULL;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
    if (send_buffer)
        setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect: %s", strerror(errno));
    if (is_tls)
        start_tls(client, protocol);
}

void client_socket_send(struct client_socket *client, const uint8_t *bytes, size_t length) {
    if (client->tls) {
        if (SSL_write(client->tls, bytes, (int)length) != (int)length)
            fail("TLS took no bytes: %s", tls_reason());
        return;
    }
    ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0)
        fail("send: %s", strerror(errno));
    if ((size_t)sent != length)
        fail("the socket took %zd of %zu bytes", sent, length);
}

size_t client_socket_receive(struct client_socket *client, uint8_t *room, size_t length) {
    if (!client->tls) {
        ssize_t received = recv(client->fd, room, length, 0);
        if (received <= 0)
            fail("the server ended a connection: %s", received ? strerror(errno) : "end of stream");
        return (size_t)received;
    }
    int received = SSL_read(client->tls, room, (int)length);
    if (received > 0)
        return (size_t)received;
    if (SSL_get_error(client->tls, received) != SSL_ERROR_WANT_READ)
        fail("the server ended a TLS connection: %s", tls_reason());
    return 0;
}

bool client_socket_has_more(const struct client_socket *client) {
    return client->tls && SSL_pending(client->tls) > 0;
}
