/* Reading the constructor's arguments. Holds nothing. */
#include "bindings/server_arguments.h"

#include "base/limits.h"

/* A number of seconds, or None for never, which is -1 below the bridge. */
static int seconds_converter(PyObject *object, void *address) {
    double seconds = -1;
    if (object != Py_None) {
        seconds = PyFloat_AsDouble(object);
        if (seconds == -1 && PyErr_Occurred()) {
            return 0;
        }
        if (!(seconds >= 0)) {
            PyErr_Format(PyExc_ValueError, "a number of seconds must not be negative: %R", object);
            return 0;
        }
    }
    *(double *)address = seconds;
    return 1;
}

static int size_converter(PyObject *object, void *address) {
    Py_ssize_t size = PyNumber_AsSsize_t(object, PyExc_OverflowError);
    if (size < 0) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "a size must not be negative: %R", object);
        }
        return 0;
    }
    *(size_t *)address = (size_t)size;
    return 1;
}

static int slow_consumer_converter(PyObject *object, void *address) {
    static const char *const names[] = {[SLOW_CONSUMER_CLOSE] = "close",
                                        [SLOW_CONSUMER_DROP_OLDEST] = "drop-oldest",
                                        [SLOW_CONSUMER_DROP_NEWEST] = "drop-newest"};
    for (int policy = SLOW_CONSUMER_CLOSE; policy <= SLOW_CONSUMER_DROP_NEWEST; policy++) {
        if (PyUnicode_Check(object) &&
            PyUnicode_CompareWithASCIIString(object, names[policy]) == 0) {
            *(enum slow_consumer_policy *)address = (enum slow_consumer_policy)policy;
            return 1;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "slow_consumer must be close, drop-oldest or drop-newest, not %R", object);
    return 0;
}

static int access_log_format_converter(PyObject *object, void *address) {
    char error[512];
    Py_ssize_t length;
    const char *text = PyUnicode_Check(object) ? PyUnicode_AsUTF8AndSize(object, &length) : NULL;
    if (text == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError, "access_log_format must be a str, not %R", object);
        }
        return 0;
    }
    if (access_format_parse(address, slice_of(text, (size_t)length), error, sizeof(error)) !=
        STATUS_OK) {
        PyErr_Format(PyExc_ValueError, "access_log_format %R: %s", object, error);
        return 0;
    }
    return 1;
}

PyObject *server_arguments_check_access_log_format(PyObject *Py_UNUSED(module), PyObject *text) {
    struct access_format format;
    return access_log_format_converter(text, &format) ? Py_NewRef(Py_None) : NULL;
}

/* The name of a header, in lower case as those of requests are; None is none. */
static int header_name_converter(PyObject *object, void *address) {
    char *name = address;
    name[0] = '\0';
    if (object == Py_None) {
        return 1;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (text == NULL) {
        return 0;
    }
    if (length >= FORWARDING_NAME_ROOM) {
        PyErr_Format(PyExc_ValueError, "the name of a header is too long: %R", object);
        return 0;
    }
    for (Py_ssize_t i = 0; i <= length; i++) {
        name[i] = slice_lower(text[i]);
    }
    return 1;
}

static const struct server_options default_options = {
    .http_timeout = -1,
    .header_timeout = 30,
    .keep_alive_timeout = 75,
    .websocket_timeout = 86400,
    .websocket_connect_timeout = 5,
    .ping_interval = 20,
    .ping_timeout = 30,
    .head_limits = {.head_size = LIMIT_HEAD_SIZE, .headers = LIMIT_HEADERS},
    .ws_limits = {.message_size = LIMIT_WS_MESSAGE_SIZE,
                  .frame_size = LIMIT_WS_FRAME_SIZE,
                  .fragments = LIMIT_WS_FRAGMENTS},
    .write_high_water = LIMIT_WRITE_HIGH_WATER,
    .write_backlog = LIMIT_WRITE_BACKLOG,
    .slow_consumer = SLOW_CONSUMER_CLOSE,
    .date_header = true,
};

int server_arguments_parse(struct server_arguments *given, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"application",
                            "loop",
                            "http_timeout",
                            "header_timeout",
                            "keep_alive_timeout",
                            "websocket_timeout",
                            "websocket_connect_timeout",
                            "ping_interval",
                            "ping_timeout",
                            "application_close_timeout",
                            "websocket_max_message_size",
                            "websocket_max_frame_size",
                            "request_buffer_size",
                            "max_head_size",
                            "max_headers",
                            "write_high_water",
                            "write_backlog_limit",
                            "slow_consumer",
                            "proxy_headers_host",
                            "proxy_headers_port",
                            "trusted_proxies",
                            "root_path",
                            "server_header",
                            "date_header",
                            "access_log_fd",
                            "access_log_format",
                            "state",
                            NULL};
    *given = (struct server_arguments){.options = default_options,
                                       .request_buffer_size = LIMIT_REQUEST_BUFFER_SIZE,
                                       .application_close_timeout = 10,
                                       .trusted_proxies = "*",
                                       .access_log_fd = -1};
    struct server_options *options = &given->options;
    int date_header = 1;
    char error[1];
    (void)access_format_parse(&options->access_log_format, SLICE_LITERAL("ncsa"), error,
                              sizeof(error));
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OO|$O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&sUOpiO&O:Server", names,
            &given->application, &given->loop, seconds_converter, &options->http_timeout,
            seconds_converter, &options->header_timeout, seconds_converter,
            &options->keep_alive_timeout, seconds_converter, &options->websocket_timeout,
            seconds_converter, &options->websocket_connect_timeout, seconds_converter,
            &options->ping_interval, seconds_converter, &options->ping_timeout, seconds_converter,
            &given->application_close_timeout, size_converter, &options->ws_limits.message_size,
            size_converter, &options->ws_limits.frame_size, size_converter,
            &given->request_buffer_size, size_converter, &options->head_limits.head_size,
            size_converter, &options->head_limits.headers, size_converter,
            &options->write_high_water, size_converter, &options->write_backlog,
            slow_consumer_converter, &options->slow_consumer, header_name_converter,
            options->forwarding.address_header, header_name_converter,
            options->forwarding.port_header, &given->trusted_proxies, &given->root_path,
            &given->server_header, &date_header, &given->access_log_fd, access_log_format_converter,
            &options->access_log_format, &given->state)) {
        return -1;
    }
    options->date_header = date_header;
    if (given->request_buffer_size == 0) {
        PyErr_SetString(PyExc_ValueError, "request_buffer_size must be above 0");
        return -1;
    }
    return 0;
}
