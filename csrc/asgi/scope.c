/* Building scopes. The addresses of a connection become tuples once, kept in connection->context
 * for its later requests. */
#include "asgi/scope.h"

#include "asgi/header_pairs.h"
#include "asgi/reused_dict.h"
#include "asgi/tls_extension.h"
#include "server/connection.h"
#include "server/forwarded.h"
#include "ws/ws_handshake.h"

/* What the requests of one connection share. */
struct connection_context {
    PyObject *client;
    PyObject *server;
    PyObject *tls; /* dict of the extension, or None */
};

/* Sets dict[key] = value and drops the reference to value, which may be NULL (an exception is set
 * then). */
static int set_new(PyObject *dict, PyObject *key, PyObject *value) {
    int result = value == NULL ? -1 : PyDict_SetItem(dict, key, value);
    Py_XDECREF(value);
    return result;
}

/* As set_new(), where what is in the dict already is mostly the same. */
static int set_unless(PyObject *usual, PyObject *dict, PyObject *key, PyObject *value) {
    if (value == usual) {
        Py_XDECREF(value);
        return value == NULL ? -1 : 0;
    }
    return set_new(dict, key, value);
}

static PyObject *bytes_of(struct slice bytes) {
    return PyBytes_FromStringAndSize(bytes.data, (Py_ssize_t)bytes.length);
}

/* --- Addresses --- */

/* Returns the text of an address, the last one's object when it is the same. */
static PyObject *host_text(struct bridge *bridge, const char *host) {
    PyObject *last = bridge->last_host;
    if (last != NULL && PyUnicode_CompareWithASCIIString(last, host) == 0) {
        return Py_NewRef(last);
    }
    PyObject *text = PyUnicode_DecodeFSDefault(host);
    Py_XSETREF(bridge->last_host, Py_XNewRef(text));
    return text;
}

/* (host, port) for IP; (path, None) for the server's unix socket; None where it is
 * unknown. */
static PyObject *address_tuple(struct bridge *bridge, const struct address *address) {
    if (address->family == ADDRESS_NONE || address->host[0] == '\0') {
        Py_RETURN_NONE;
    }
    PyObject *host = host_text(bridge, address->host);
    if (host == NULL) {
        return NULL;
    }
    if (address->family == ADDRESS_UNIX) {
        return Py_BuildValue("(NO)", host, Py_None);
    }
    return Py_BuildValue("(Ni)", host, (int)address->port);
}

/* As address_tuple(), the last one's object when it is the same: a server has few addresses. */
static PyObject *server_tuple(struct bridge *bridge, const struct address *address) {
    PyObject *tuple = address_tuple(bridge, address);
    PyObject *last = bridge->last_server;
    int is_same = tuple == NULL || last == NULL ? 0 : PyObject_RichCompareBool(tuple, last, Py_EQ);
    if (is_same > 0) {
        Py_SETREF(tuple, Py_NewRef(last));
    } else if (is_same == 0) {
        Py_XSETREF(bridge->last_server, Py_XNewRef(tuple));
    } else {
        Py_CLEAR(tuple);
    }
    return tuple;
}

static struct connection_context *connection_context(struct bridge *bridge,
                                                     struct connection *connection) {
    if (connection->context != NULL) {
        return connection->context;
    }
    struct address local;
    connection_local(connection, &local);
    struct connection_context *context = PyMem_Calloc(1, sizeof(*context));
    if (context == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    context->client = address_tuple(bridge, connection_peer(connection));
    context->server = server_tuple(bridge, &local);
    context->tls = tls_extension_new(bridge, connection);
    connection->context = context;
    if (context->client == NULL || context->server == NULL || context->tls == NULL) {
        scope_forget_connection(connection);
        return NULL;
    }
    return context;
}

/* Returns new reference to the address of the client, which mostly is the peer. */
static PyObject *client_tuple(struct bridge *bridge, const struct exchange *exchange,
                              const struct connection_context *shared) {
    const struct address *client = exchange_client(exchange);
    bool is_peer = client == connection_peer(exchange->connection);
    return is_peer ? Py_NewRef(shared->client) : address_tuple(bridge, client);
}

void scope_forget_connection(struct connection *connection) {
    struct connection_context *context = connection->context;
    connection->context = NULL;
    if (context != NULL) {
        Py_CLEAR(context->client);
        Py_CLEAR(context->server);
        Py_CLEAR(context->tls);
        PyMem_Free(context);
    }
}

/* --- The target --- */

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = slice_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Returns new str: percent-encoding undone, then UTF-8, where a sequence that is none becomes
 * U+FFFD, as urllib.parse.unquote() does. */
static PyObject *decode_path(struct slice path) {
    if (memchr(path.data, '%', path.length) == NULL) {
        return PyUnicode_DecodeUTF8(path.data, (Py_ssize_t)path.length, "replace");
    }
    char *decoded = PyMem_Malloc(path.length);
    if (decoded == NULL) {
        return PyErr_NoMemory();
    }
    size_t length = 0;
    for (size_t i = 0; i < path.length; i++) {
        bool is_escape = path.data[i] == '%' && i + 2 < path.length &&
                         hex_value(path.data[i + 1]) >= 0 && hex_value(path.data[i + 2]) >= 0;
        if (is_escape) {
            decoded[length++] =
                (char)(hex_value(path.data[i + 1]) * 16 + hex_value(path.data[i + 2]));
            i += 2;
        } else {
            decoded[length++] = path.data[i];
        }
    }
    PyObject *text = PyUnicode_DecodeUTF8(decoded, (Py_ssize_t)length, "replace");
    PyMem_Free(decoded);
    return text;
}

/* --- Headers --- */

/* Appends one header; *list becomes NULL with an exception. */
static void append_header(struct bridge *bridge, PyObject **list,
                          const struct http_header *header) {
    PyObject *pair = header_pairs_get(bridge, header);
    if (pair == NULL || PyList_Append(*list, pair) < 0) {
        Py_CLEAR(*list);
    }
    Py_XDECREF(pair);
}

/* The host that a trusted proxy was asked for stands in the place of Host. */
static PyObject *headers_list(struct bridge *bridge, const struct exchange *exchange) {
    const struct http_request_head *head = exchange->request;
    struct http_header host = {SLICE_LITERAL("host"), exchange_forwarded_host(exchange)};
    PyObject *list = PyList_New(0);
    if (list != NULL && host.value.length > 0) {
        append_header(bridge, &list, &host);
    }
    for (size_t i = 0; list != NULL && i < head->header_count; i++) {
        bool is_replaced = host.value.length > 0 && slice_equals(head->headers[i].name, host.name);
        if (!is_replaced && !forwarded_is_for_server(head->headers[i].name)) {
            append_header(bridge, &list, &head->headers[i]);
        }
    }
    return list;
}

static PyObject *root_path(struct bridge *bridge, struct exchange *exchange) {
    struct slice path = exchange_root_path(exchange);
    return path.data != NULL ? decode_path(path) : Py_NewRef(bridge->root_path);
}

/* --- The scope --- */

/* Frameworks read 2.4 as: send() raises when the client has gone, there is no need to listen for
 * http.disconnect. No server's does for HTTP, so neither do we promise it. */
static PyObject *asgi_versions(struct bridge *bridge, bool is_websocket) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *spec = is_websocket ? strings->websocket_spec_version : strings->http_spec_version;
    enum scope_part part = is_websocket ? SCOPE_WEBSOCKET_VERSIONS : SCOPE_HTTP_VERSIONS;
    struct reused_dict_items items = {
        .keys = (PyObject *[]){strings->version, strings->spec_version},
        .values = (PyObject *[]){strings->asgi_version, spec},
        .count = 2,
    };
    return reused_dict_get(&bridge->scope_parts[part], &items);
}

/* Never what the client's target says: an application decides by it what is safe. */
static PyObject *scheme(struct bridge *bridge, const struct exchange *exchange, bool is_websocket) {
    struct module_strings *strings = &bridge->state->strings;
    bool is_secure = exchange_is_secure(exchange);
    if (is_websocket) {
        return Py_NewRef(is_secure ? strings->wss : strings->ws);
    }
    return Py_NewRef(is_secure ? strings->https : strings->http);
}

static PyObject *http_version(struct bridge *bridge, const struct http_request_head *head) {
    struct module_strings *strings = &bridge->state->strings;
    if (head->version_major == 1) {
        return Py_NewRef(head->version_minor == 0 ? strings->http_1_0 : strings->http_1_1);
    }
    return PyUnicode_FromFormat("%d", head->version_major);
}

static PyObject *subprotocols(const struct http_request_head *head) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < head->header_count; i++) {
        if (!slice_equals(head->headers[i].name, SLICE_LITERAL("sec-websocket-protocol"))) {
            continue;
        }
        struct slice rest = head->headers[i].value;
        for (;;) {
            struct slice next = ws_handshake_next_subprotocol(&rest);
            if (next.length == 0) {
                break;
            }
            PyObject *text = PyUnicode_DecodeLatin1(next.data, (Py_ssize_t)next.length, NULL);
            int appended = text == NULL ? -1 : PyList_Append(list, text);
            Py_XDECREF(text);
            if (appended < 0) {
                Py_CLEAR(list);
                return NULL;
            }
        }
    }
    return list;
}

static PyObject *method_text(struct bridge *bridge, struct slice method) {
    if (slice_equals(method, SLICE_LITERAL("GET"))) {
        return Py_NewRef(bridge->state->strings.get_method);
    }
    return PyUnicode_DecodeLatin1(method.data, (Py_ssize_t)method.length, NULL);
}

enum { MOST_EXTENSIONS = 5 };

/* Sets scope["extensions"]: these have nothing to say, an empty dict each; of an encrypted
 * connection there is `tls`, a dict of its own for each scope. The last ones are at `part`, those
 * with `tls` behind it. */
static int set_extensions(struct bridge *bridge, PyObject *scope, struct connection *connection,
                          enum scope_part part, PyObject *const *names, size_t count) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *tls = ((struct connection_context *)connection->context)->tls;
    PyObject *keys[MOST_EXTENSIONS], *values[MOST_EXTENSIONS] = {NULL};
    bool is_encrypted = tls != Py_None;
    memcpy(keys, names, count * sizeof(*names));
    if (is_encrypted) {
        keys[count] = strings->tls;
        values[count] = Py_None;
    }
    struct reused_dict_items items = {keys, values, count + is_encrypted};
    PyObject *extensions = reused_dict_get(&bridge->scope_parts[part + is_encrypted], &items);
    if (extensions != NULL && is_encrypted &&
        set_new(extensions, strings->tls, PyDict_Copy(tls)) < 0) {
        Py_CLEAR(extensions);
    }
    return set_new(scope, strings->extensions, extensions);
}

static int fill_http(struct bridge *bridge, PyObject *scope, const struct exchange *exchange) {
    struct module_strings *strings = &bridge->state->strings;
    const struct http_request_head *head = exchange->request;
    bool is_http10 = head->version_major == 1 && head->version_minor == 0;
    PyObject *const names[] = {
        strings->http_response_pathsend, strings->http_response_zerocopysend,
        strings->http_response_early_hint, /* HTTP/1.0 knows neither this */
        strings->http_response_trailers,   /* nor these */
    };
    return set_unless(strings->get_method, scope, strings->method,
                      method_text(bridge, head->method)) < 0
               ? -1
               : set_extensions(bridge, scope, exchange->connection, SCOPE_HTTP_EXTENSIONS, names,
                                is_http10 ? 2 : 4);
}

static int fill_websocket(struct bridge *bridge, PyObject *scope, const struct exchange *exchange) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *const names[] = {strings->websocket_http_response, strings->websocket_group};
    return set_new(scope, strings->subprotocols, subprotocols(exchange->request)) < 0
               ? -1
               : set_extensions(bridge, scope, exchange->connection, SCOPE_WEBSOCKET_EXTENSIONS,
                                names, 2);
}

static int fill_common(struct bridge *bridge, PyObject *scope, struct exchange *exchange,
                       bool is_websocket) {
    struct module_strings *strings = &bridge->state->strings;
    const struct http_request_head *head = exchange->request;
    struct connection_context *shared = connection_context(bridge, exchange->connection);
    if (shared == NULL) {
        return -1;
    }
    PyObject *usual_scheme = is_websocket ? strings->ws : strings->http;
    return set_new(scope, strings->asgi, asgi_versions(bridge, is_websocket)) < 0 ||
                   set_unless(strings->http_1_1, scope, strings->http_version,
                              http_version(bridge, head)) < 0 ||
                   PyDict_SetItem(scope, strings->server, shared->server) < 0 ||
                   set_new(scope, strings->client, client_tuple(bridge, exchange, shared)) < 0 ||
                   set_unless(usual_scheme, scope, strings->scheme,
                              scheme(bridge, exchange, is_websocket)) < 0 ||
                   set_new(scope, strings->path, decode_path(head->path)) < 0 ||
                   set_new(scope, strings->raw_path, bytes_of(head->path)) < 0 ||
                   set_unless(bridge->state->empty_bytes, scope, strings->query_string,
                              bytes_of(head->query)) < 0 ||
                   set_unless(bridge->root_path, scope, strings->root_path,
                              root_path(bridge, exchange)) < 0 ||
                   set_new(scope, strings->headers, headers_list(bridge, exchange)) < 0
               ? -1
               : 0;
}

/* Returns new dict with all keys of a scope in their order, and the usual values. */
static PyObject *new_template(struct bridge *bridge, bool is_websocket) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *const items[][2] = {
        {strings->type, is_websocket ? strings->websocket : strings->http},
        {strings->asgi, Py_None},
        {strings->http_version, strings->http_1_1},
        {strings->server, Py_None},
        {strings->client, Py_None},
        {strings->scheme, is_websocket ? strings->ws : strings->http},
        {strings->path, Py_None},
        {strings->raw_path, Py_None},
        {strings->query_string, bridge->state->empty_bytes},
        {strings->root_path, bridge->root_path},
        {strings->headers, Py_None},
        {is_websocket ? strings->subprotocols : strings->method,
         is_websocket ? Py_None : strings->get_method},
        {strings->extensions, Py_None},
    };
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < sizeof(items) / sizeof(items[0]); i++) {
        if (PyDict_SetItem(dict, items[i][0], items[i][1]) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

/* Returns new scope to be filled: to copy a dict costs a fraction of making one key by key. */
static PyObject *copy_template(struct bridge *bridge, bool is_websocket) {
    PyObject **place = &bridge->scope_parts[is_websocket ? SCOPE_WEBSOCKET : SCOPE_HTTP];
    if (*place == NULL) {
        *place = new_template(bridge, is_websocket);
    }
    return *place == NULL ? NULL : PyDict_Copy(*place);
}

PyObject *scope_new(struct bridge *bridge, struct exchange *exchange, bool is_websocket) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *scope = copy_template(bridge, is_websocket);
    if (scope == NULL || fill_common(bridge, scope, exchange, is_websocket) < 0) {
        goto failed;
    }
    if ((is_websocket ? fill_websocket : fill_http)(bridge, scope, exchange) < 0) {
        goto failed;
    }
    if (bridge->lifespan_state != NULL &&
        set_new(scope, strings->state, PyDict_Copy(bridge->lifespan_state)) < 0) {
        goto failed;
    }
    return scope;
failed:
    Py_XDECREF(scope);
    return NULL;
}

/* Returns new reference to the value, NULL (no exception) when there is none, or none to be had. */
static PyObject *find_held(PyObject *dict, PyObject *key) {
    PyObject *value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

/* The path is raw, for it has no character that could end the line. */
static PyObject *describe(PyObject *method, PyObject *path) {
    PyObject *text = PyUnicode_DecodeLatin1(PyBytes_AS_STRING(path), PyBytes_GET_SIZE(path), NULL);
    PyObject *line = text == NULL ? NULL : PyUnicode_FromFormat("%S %U", method, text);
    Py_XDECREF(text);
    return line;
}

PyObject *scope_describe(struct bridge *bridge, PyObject *scope) {
    struct module_strings *strings = &bridge->state->strings;
    /* held: the application may have put keys there whose comparing runs its code */
    PyObject *method = find_held(scope, strings->method);
    PyObject *path = find_held(scope, strings->raw_path);
    PyObject *line = path != NULL && PyBytes_Check(path)
                         ? describe(method != NULL ? method : strings->websocket, path)
                         : PyUnicode_FromString("(request unknown)");
    Py_XDECREF(method);
    Py_XDECREF(path);
    return line;
}
