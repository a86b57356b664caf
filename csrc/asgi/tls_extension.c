/* Making the dict. Holds nothing but, in the bridge, the text of the last server certificate, which
 * thousands of connections have in common. */
#include "asgi/tls_extension.h"

#include "server/connection.h"

/* Returns new str, the last one's object when it is the same. */
static PyObject *server_certificate(struct bridge *bridge, struct slice pem) {
    PyObject *last = bridge->last_certificate;
    if (pem.length == 0) {
        Py_RETURN_NONE;
    }
    PyObject *text = PyUnicode_DecodeASCII(pem.data, (Py_ssize_t)pem.length, NULL);
    int is_same = text == NULL || last == NULL ? 0 : PyUnicode_Compare(text, last) == 0;
    if (is_same) {
        Py_SETREF(text, Py_NewRef(last));
    } else if (text != NULL) {
        Py_XSETREF(bridge->last_certificate, Py_NewRef(text));
    }
    return text;
}

/* Returns new tuple of str, of certificates that a NUL ends each. */
static PyObject *client_chain(struct slice certificates) {
    PyObject *list = PyList_New(0);
    while (list != NULL && certificates.length > 0) {
        size_t length = strlen(certificates.data);
        PyObject *pem = PyUnicode_DecodeASCII(certificates.data, (Py_ssize_t)length, NULL);
        if (pem == NULL || PyList_Append(list, pem) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pem);
        certificates = slice_without_front(certificates, length + 1);
    }
    PyObject *tuple = list == NULL ? NULL : PyList_AsTuple(list);
    Py_XDECREF(list);
    return tuple;
}

static PyObject *client_name(const struct stream_security *security) {
    if (security->client_certificates.length == 0) {
        Py_RETURN_NONE;
    }
    struct slice name = buffer_slice(&security->client_name);
    return PyUnicode_DecodeUTF8(name.data, (Py_ssize_t)name.length, "replace");
}

/* A client whose certificate is not valid is refused within the handshake: there never is an error
 * to tell. */
static PyObject *describe(struct bridge *bridge, const struct stream_security *security) {
    return Py_BuildValue(
        "{s:N, s:N, s:N, s:O, s:i, s:i}", "server_cert",
        server_certificate(bridge, buffer_slice(&security->server_certificate)),
        "client_cert_chain", client_chain(buffer_slice(&security->client_certificates)),
        "client_cert_name", client_name(security), "client_cert_error", Py_None, "tls_version",
        (int)security->version, "cipher_suite", (int)security->cipher_suite);
}

PyObject *tls_extension_new(struct bridge *bridge, struct connection *connection) {
    struct stream_security security;
    int status = connection_describe_security(connection, &security);
    PyObject *extension;
    if (status == STATUS_OK) {
        extension = describe(bridge, &security);
    } else {
        extension = status == STATUS_STATE ? Py_NewRef(Py_None) : PyErr_NoMemory();
    }
    stream_security_release(&security);
    return extension;
}
