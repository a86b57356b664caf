/* The handshake of a WebSocket: what is refused, offered to the application, accepted, denied, or
 * answered by a response of its own. Owns nothing; the WebSocket is made by websocket.c and owns
 * itself. Never runs application code but by websocket_make_ready(). */
#include "server/websocket_internal.h"

#include "base/memory.h"
#include "server/server.h"
#include "ws/ws_handshake.h"

/* Returns the value of the only header called `name`; one of length 0 when there is none, or more
 * than one. */
static struct slice only_value(const struct http_request_head *head, struct slice name) {
    struct slice value = SLICE_EMPTY;
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equals(head->headers[i].name, name)) {
            value = head->headers[i].value;
            count++;
        }
    }
    return count == 1 ? value : SLICE_EMPTY;
}

/* Returns what is wrong (static) with what only the upgrade of HTTP/1 has, NULL when nothing is.
 * RFC 8441 has an extended CONNECT for it, which is one by its head. */
static const char *find_upgrade_fault(const struct http_request_head *head) {
    if (head->version_minor == 0) {
        return "A WebSocket begins in HTTP/1.1, and this came in HTTP/1.0: a proxy in front has to "
               "pass handshakes on in HTTP/1.1 (nginx: proxy_http_version 1.1).";
    }
    if (!slice_equals(head->method, SLICE_LITERAL("GET")) || head->has_body) {
        return "A WebSocket begins with GET, without a body (RFC 6455 section 4.1).";
    }
    return NULL;
}

static const char *find_key_fault(const struct http_request_head *head) {
    bool is_valid = ws_handshake_key_is_valid(only_value(head, SLICE_LITERAL("sec-websocket-key")));
    return is_valid ? NULL
                    : "Sec-WebSocket-Key must be the base64 of 16 bytes (RFC 6455 section 4.1).";
}

/* Returns why a handshake can not be answered (static), and the status to say so with; NULL when it
 * can. */
static const char *find_fault(const struct http_request_head *head, int *status) {
    bool is_upgrade = head->version_major == 1;
    const char *fault = is_upgrade ? find_upgrade_fault(head) : NULL;
    *status = 400;
    if (fault != NULL) {
        return fault;
    }
    if (!ws_handshake_version_is_supported(
            only_value(head, SLICE_LITERAL("sec-websocket-version")))) {
        *status = 426;
        return "This server speaks WebSocket version 13 only (RFC 6455).";
    }
    return is_upgrade ? find_key_fault(head) : NULL;
}

static void refuse(struct server *server, struct exchange *exchange, int status,
                   const char *reason) {
    struct http_header version = {SLICE_LITERAL("sec-websocket-version"), SLICE_LITERAL("13")};
    server_refuse(server, exchange_client(exchange), status, reason);
    exchange_answer(exchange, status, slice_of(reason, strlen(reason)),
                    status == 426 ? &version : NULL);
}

/* Agrees on compression, if the client offers it and --ws-deflate is on: the first offer of all
 * that can be kept. */
static void negotiate(struct websocket *websocket) {
    struct server *server = websocket->server;
    const struct http_request_head *head = websocket->exchange->request;
    struct ws_deflate_terms *terms = &websocket->deflate;
    for (size_t i = 0; i < head->header_count && !ws_deflate_is_agreed(terms); i++) {
        if (slice_equals(head->headers[i].name, SLICE_LITERAL("sec-websocket-extensions")) &&
            ws_deflate_choose(head->headers[i].value, &server->ws_deflate, terms)) {
            ws_session_inflate(&websocket->session, server->ws_inflaters, terms);
            ws_sender_compress(&websocket->sender, server->ws_deflaters, terms);
        }
    }
}

void websocket_offer(struct server *server, struct exchange *exchange) {
    int status;
    const char *fault = find_fault(exchange->request, &status);
    if (fault != NULL) {
        refuse(server, exchange, status, fault);
        return;
    }
    struct websocket *websocket = websocket_new(server, exchange);
    if (websocket == NULL) {
        exchange_answer(exchange, 503, SLICE_EMPTY, NULL);
        return;
    }
    if (exchange->request->version_major == 1) {
        ws_handshake_accept(only_value(exchange->request, SLICE_LITERAL("sec-websocket-key")),
                            websocket->accept);
    }
    negotiate(websocket);
    websocket_log_event(websocket, ACCESS_WSCONNECTING);
    if (server->application->on_websocket(server->owner, websocket) != STATUS_OK) {
        (void)websocket_deny(websocket, 500);
        return;
    }
    websocket_start_timer(websocket, server->options.websocket_connect_timeout);
}

/* Headers that the handshake has of its own, whoever else says one. Those of the upgrade itself are
 * left out by whoever writes the head, as with every response. */
static bool is_handshakes_own(struct slice name) {
    return slice_equals_ignoring_case(name, SLICE_LITERAL("sec-websocket-accept")) ||
           slice_equals_ignoring_case(name, SLICE_LITERAL("sec-websocket-extensions")) ||
           slice_equals_ignoring_case(name, SLICE_LITERAL("sec-websocket-protocol"));
}

/* The head of the answer: ours, and the application's headers. Returns it in *head, whose headers
 * the caller frees, and writes into `extensions` what they refer to; STATUS_OK or
 * STATUS_NO_MEMORY. */
static int make_head(const struct websocket *websocket, struct slice subprotocol,
                     const struct http_header *headers, size_t header_count,
                     char extensions[WS_DEFLATE_ANSWER_MAX], struct http_response_head *head) {
    struct http_header *all = memory_allocate((header_count + 3) * sizeof(*all));
    if (all == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t count = 0;
    bool is_upgrade = websocket->accept[0] != '\0';
    if (is_upgrade) {
        all[count++] = (struct http_header){SLICE_LITERAL("sec-websocket-accept"),
                                            slice_of(websocket->accept, WS_ACCEPT_LENGTH)};
    }
    if (subprotocol.length > 0) {
        all[count++] = (struct http_header){SLICE_LITERAL("sec-websocket-protocol"), subprotocol};
    }
    if (ws_deflate_is_agreed(&websocket->deflate)) {
        size_t length = ws_deflate_write_answer(&websocket->deflate, extensions);
        all[count++] = (struct http_header){SLICE_LITERAL("sec-websocket-extensions"),
                                            slice_of(extensions, length)};
    }
    for (size_t i = 0; i < header_count; i++) {
        if (!is_handshakes_own(headers[i].name)) {
            all[count++] = headers[i];
        }
    }
    *head = (struct http_response_head){.status = is_upgrade ? 101 : 200,
                                        .reason = SLICE_EMPTY,
                                        .headers = all,
                                        .header_count = count};
    return STATUS_OK;
}

int websocket_accept(struct websocket *websocket, struct slice subprotocol,
                     const struct http_header *headers, size_t header_count) {
    if (websocket->state != WEBSOCKET_CONNECTING) {
        return websocket->state == WEBSOCKET_CLOSED ? STATUS_CLOSED : STATUS_STATE;
    }
    char extensions[WS_DEFLATE_ANSWER_MAX];
    struct http_response_head head;
    int status = make_head(websocket, subprotocol, headers, header_count, extensions, &head);
    if (status != STATUS_OK) {
        return status;
    }
    websocket->state = WEBSOCKET_OPEN;
    status = exchange_open_tunnel(websocket->exchange, &head);
    memory_free((void *)head.headers);
    if (status != STATUS_OK) {
        websocket->state = WEBSOCKET_CONNECTING;
        return status;
    }
    metrics_add(&websocket->server->metrics, METRIC_websockets, 1);
    websocket_log_event(websocket, ACCESS_WSCONNECT);
    websocket_start_timer(websocket, websocket->server->options.ping_interval);
    if (websocket->server->options.websocket_timeout >= 0) {
        timer_start(websocket->server->loop, &websocket->lifetime,
                    websocket->server->options.websocket_timeout);
    }
    if (websocket->server->is_draining) {
        websocket_shutdown(websocket);
    } else {
        exchange_resume(websocket->exchange); /* frames that came with the handshake */
    }
    return STATUS_OK;
}

int websocket_answer_denied(struct websocket *websocket, int http_status) {
    timer_stop(&websocket->timer);
    websocket_make_ready(websocket);
    struct http_response_head head = {.status = http_status, .reason = SLICE_EMPTY};
    struct http_response_facts facts = {.content_length = -1};
    return exchange_respond(websocket->exchange, &head, &facts, 0);
}

int websocket_deny(struct websocket *websocket, int http_status) {
    if (websocket->state != WEBSOCKET_CONNECTING) {
        return websocket->state == WEBSOCKET_CLOSED ? STATUS_CLOSED : STATUS_STATE;
    }
    websocket_report_close(websocket, WEBSOCKET_CLOSED, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    return websocket_answer_denied(websocket, http_status);
}

struct exchange *websocket_respond(struct websocket *websocket) {
    if (websocket->state != WEBSOCKET_CONNECTING) {
        return NULL;
    }
    websocket->state = WEBSOCKET_CLOSED;
    timer_stop(&websocket->timer);
    return websocket->exchange;
}
