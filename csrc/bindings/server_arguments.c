/* Reading the constructor's arguments. Holds nothing. */
#include "bindings/server_arguments.h"

#include <string.h>

#include "ws/ws_deflate.h"

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

static int small_number(PyObject *object, const char *name, uint8_t least, uint8_t most,
                        uint8_t *number) {
    long value = PyLong_AsLong(object);
    if (value == -1 && PyErr_Occurred()) {
        return 0;
    }
    if (value < least || value > most) {
        PyErr_Format(PyExc_ValueError, "%s must be from %d to %d, not %R", name, least, most,
                     object);
        return 0;
    }
    *number = (uint8_t)value;
    return 1;
}

static int window_bits_converter(PyObject *object, void *address) {
    return small_number(object, "ws_deflate_window_bits", WS_WINDOW_BITS_LEAST + 1,
                        WS_WINDOW_BITS_MOST, address);
}

static int memory_level_converter(PyObject *object, void *address) {
    return small_number(object, "ws_deflate_memory_level", 1, 9, address);
}

static int flag_converter(PyObject *object, void *address) {
    int is_true = PyObject_IsTrue(object);
    if (is_true < 0) {
        return 0;
    }
    *(bool *)address = is_true;
    return 1;
}

static int policy_converter(PyObject *object, void *address) {
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

#define OPTION_DEFAULT(kind, name, value) .name = value,
#define OPTION_KEYWORD(kind, name, value) #name,
#define OPTION_FORMAT(kind, name, value)  "O&"
#define OPTION_TARGET(kind, name, value)  kind##_converter, &options->name,

static void set_defaults(struct server_arguments *given) {
    *given = (struct server_arguments){
        .options = {SERVER_OPTIONS(OPTION_DEFAULT)}, .trusted_proxies = "*", .access_log_fd = -1};
    char error[1];
    (void)access_format_parse(&given->options.access_log_format, SLICE_LITERAL("ncsa"), error,
                              sizeof(error));
}

int server_arguments_parse(struct server_arguments *given, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"application",
                            "loop",
                            SERVER_OPTIONS(OPTION_KEYWORD) "proxy_headers_host",
                            "proxy_headers_port",
                            "access_log_format",
                            "trusted_proxies",
                            "root_path",
                            "server_header",
                            "access_log_fd",
                            "state",
                            "static_files",
                            NULL};
    set_defaults(given);
    struct server_options *options = &given->options;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OO|$" SERVER_OPTIONS(OPTION_FORMAT) "O&O&O&sUOiOO:Server", names,
            &given->application, &given->loop, SERVER_OPTIONS(OPTION_TARGET) header_name_converter,
            options->forwarding.address_header, header_name_converter,
            options->forwarding.port_header, access_log_format_converter,
            &options->access_log_format, &given->trusted_proxies, &given->root_path,
            &given->server_header, &given->access_log_fd, &given->state, &given->static_files)) {
        return -1;
    }
    options->forwarding.reads_forwarded = options->forwarded;
    options->forwarding.takes_host = options->forwarded_host;
    if (options->request_buffer_size == 0) {
        PyErr_SetString(PyExc_ValueError, "request_buffer_size must be above 0");
        return -1;
    }
    return 0;
}

#define OPTION_CHANGE(kind, option, value)                                                         \
    if (strcmp(name, #option) == 0) {                                                              \
        return kind##_converter(given, &options->option) ? 0 : -1;                                 \
    }

int server_arguments_change(struct server_options *options, const char *name, PyObject *given) {
    SERVER_OPTIONS(OPTION_CHANGE)
    PyErr_Format(PyExc_KeyError, "there is no option %s", name);
    return -1;
}
