/* What casgi._core.Server() is given: the keywords of _core.pyi, with their defaults. */
#ifndef CASGI_BINDINGS_SERVER_ARGUMENTS_H
#define CASGI_BINDINGS_SERVER_ARGUMENTS_H

#include "bindings/server_static.h"
#include "server/server.h"
#include "state.h"

struct server_arguments {
    PyObject *application, *loop, *root_path, *server_header, *state,
        *static_files;             /* borrowed; NULL when not given */
    const char *trusted_proxies;   /* borrowed */
    struct server_options options; /* but server_header */
    int access_log_fd;
};

/* Fills *given, with the defaults for what is missing. *Borrows* args and kwargs for as long as
 * *given is used. Returns -1 with TypeError, ValueError or OverflowError. */
int server_arguments_parse(struct server_arguments *given, PyObject *args, PyObject *kwargs);

/* Sets an option by its name, for whatever looks at it from now on. Returns -1 with KeyError when
 * there is none of the name, or the errors of server_arguments_parse(). */
int server_arguments_change(struct server_options *options, const char *name, PyObject *value);

/* check_access_log_format(text): None, or ValueError with the reason. */
PyObject *server_arguments_check_access_log_format(PyObject *module, PyObject *text);

#endif
