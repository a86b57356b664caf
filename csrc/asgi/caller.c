/* Looking through the frames of the running thread. Holds nothing. */
#include "asgi/caller.h"

#include <string.h>

/* Returns true when the frame's globals say that its module is in the package. Never leaves an
 * exception. */
static bool frame_is_in_package(PyFrameObject *frame, const char *name) {
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *module = globals == NULL ? NULL : PyDict_GetItemString(globals, "__name__");
    const char *text = module != NULL && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module) : NULL;
    size_t length = strlen(name);
    bool is_in = text != NULL && strncmp(text, name, length) == 0 &&
                 (text[length] == '\0' || text[length] == '.');
    Py_XDECREF(globals);
    PyErr_Clear();
    return is_in;
}

bool caller_is_in_package(const char *name) {
    PyFrameObject *frame = PyEval_GetFrame();
    Py_XINCREF(frame);
    bool found = false;
    while (frame != NULL && !found) {
        found = frame_is_in_package(frame, name);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return found;
}
