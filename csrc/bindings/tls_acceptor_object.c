/* casgi._core.TlsAcceptor: the Python face of a tls_acceptor, of which it holds one reference; the
 * listeners that it was given to hold theirs. */
#include "bindings/tls_acceptor_object.h"

#include "bindings/proxy_acceptor_object.h"
#include "net/socket_stream.h"
#include "tls/tls_acceptor.h"
#include "tls/tls_ticket_keys.h"

extern PyType_Spec tls_acceptor_type_spec;

typedef struct {
    PyObject_HEAD
    struct tls_acceptor *acceptor;
    PyObject *proxies; /* a ProxyAcceptor that its connections come through, or None */
} TlsAcceptorObject;

static const struct stream_factory *factory_of(PyObject *tls_acceptor) {
    const struct tls_acceptor *acceptor = ((TlsAcceptorObject *)tls_acceptor)->acceptor;
    if (!tls_acceptor_is_loaded(acceptor)) {
        PyErr_SetString(PyExc_ValueError, "the TlsAcceptor has no certificate");
        return NULL;
    }
    return tls_acceptor_factory(acceptor);
}

const struct stream_factory *acceptor_object_factory(struct module_state *state, PyObject *object) {
    if (object == Py_None) {
        return &socket_stream_factory;
    }
    if (PyObject_TypeCheck(object, state->tls_acceptor_type)) {
        return factory_of(object);
    }
    const struct stream_factory *factory = proxy_acceptor_object_factory(state, object);
    if (factory == NULL) {
        PyErr_Format(PyExc_TypeError,
                     "acceptor must be a TlsAcceptor, a ProxyAcceptor or None, not %R", object);
    }
    return factory;
}

static PyObject *new_acceptor(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"proxies", NULL};
    const struct stream_factory *transports = &socket_stream_factory;
    PyObject *proxies = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:TlsAcceptor", names, &proxies)) {
        return NULL;
    }
    if (proxies != Py_None) {
        transports = proxy_acceptor_object_factory(PyType_GetModuleState(type), proxies);
    }
    if (transports == NULL) {
        PyErr_Format(PyExc_TypeError, "proxies must be a ProxyAcceptor or None, not %R", proxies);
        return NULL;
    }
    TlsAcceptorObject *self = (TlsAcceptorObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL) {
        return NULL;
    }
    self->proxies = Py_NewRef(proxies);
    self->acceptor = tls_acceptor_new(transports);
    if (self->acceptor == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

/* Reads a tuple of tuples into `certificates`, whose texts belong to the tuples. */
static int read_certificates(PyObject *given, struct tls_certificate *certificates) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); i++) {
        PyObject *one = PyTuple_GET_ITEM(given, i);
        if (!PyTuple_Check(one)) {
            PyErr_Format(PyExc_TypeError, "a certificate must be a tuple, not %R", one);
            return -1;
        }
        if (!PyArg_ParseTuple(one, "szzz;a certificate is (certfile, keyfile, password, chainfile)",
                              &certificates[i].certfile, &certificates[i].keyfile,
                              &certificates[i].password, &certificates[i].chainfile)) {
            return -1;
        }
    }
    return 0;
}

static int check_verify(int verify) {
    if (verify < TLS_VERIFY_NONE || verify > TLS_VERIFY_REQUIRED) {
        PyErr_SetString(PyExc_ValueError, "verify must be 0, 1 or 2, as ssl.CERT_*");
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(
    load_doc,
    "load(certificates, *, ca_certs=None, verify=0, ciphers=None, needs_tls_1_3=False, "
    "http2=True) -> None\n\n"
    "Takes these for the handshakes to come. Raises ValueError with the reason, everything then "
    "being as before.");

static PyObject *load(PyObject *op, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"certificates",  "ca_certs", "verify", "ciphers",
                            "needs_tls_1_3", "http2",    NULL};
    TlsAcceptorObject *self = (TlsAcceptorObject *)op;
    struct tls_settings settings = {0};
    struct tls_error error = {""};
    PyObject *given;
    int verify = TLS_VERIFY_NONE, needs_tls_1_3 = 0, has_http2 = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$zizpp:load", names, &PyTuple_Type, &given,
                                     &settings.ca_certs, &verify, &settings.ciphers, &needs_tls_1_3,
                                     &has_http2) ||
        check_verify(verify) < 0) {
        return NULL;
    }
    if (PyTuple_GET_SIZE(given) == 0) {
        PyErr_SetString(PyExc_ValueError, "TLS needs a certificate");
        return NULL;
    }
    struct tls_certificate *certificates =
        PyMem_Calloc((size_t)PyTuple_GET_SIZE(given), sizeof(*certificates));
    if (certificates == NULL) {
        return PyErr_NoMemory();
    }
    settings.certificates = certificates;
    settings.certificate_count = (size_t)PyTuple_GET_SIZE(given);
    settings.verify = (enum tls_verify)verify;
    settings.needs_tls_1_3 = needs_tls_1_3;
    settings.has_http2 = has_http2;
    if (read_certificates(given, certificates) == 0 &&
        tls_acceptor_load(self->acceptor, &settings, &error) != STATUS_OK) {
        PyErr_SetString(PyExc_ValueError, error.text);
    }
    PyMem_Free(certificates);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(expires_in_doc,
             "expires_in() -> int\n\nSeconds until the first of the certificates expires; negative "
             "when one has. After load() only.");

static PyObject *expires_in(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    struct tls_acceptor *acceptor = ((TlsAcceptorObject *)op)->acceptor;
    if (!tls_acceptor_is_loaded(acceptor)) {
        PyErr_SetString(PyExc_RuntimeError, "no certificate was loaded");
        return NULL;
    }
    return PyLong_FromLongLong(tls_acceptor_expires_in(acceptor));
}

static void dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    tls_acceptor_unref(((TlsAcceptorObject *)op)->acceptor);
    Py_XDECREF(((TlsAcceptorObject *)op)->proxies);
    type->tp_free(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(share_tickets_doc,
             "share_tickets(secret: bytes, since: int) -> None\n\nLets sessions be resumed by all "
             "who have the same secret. Before load().");

static PyObject *share_tickets(PyObject *op, PyObject *args) {
    struct tls_acceptor *acceptor = ((TlsAcceptorObject *)op)->acceptor;
    Py_buffer secret;
    long long since;
    if (!PyArg_ParseTuple(args, "y*L:share_tickets", &secret, &since)) {
        return NULL;
    }
    bool is_usable = secret.len == TLS_TICKET_SECRET_LENGTH && !tls_acceptor_is_loaded(acceptor);
    int status = is_usable ? tls_acceptor_share_tickets(acceptor, secret.buf, since) : STATUS_STATE;
    PyBuffer_Release(&secret);
    if (status == STATUS_STATE) {
        PyErr_SetString(PyExc_ValueError, "share_tickets() takes 32 bytes, before load()");
        return NULL;
    }
    return status == STATUS_OK ? Py_NewRef(Py_None) : PyErr_NoMemory();
}

static PyMethodDef methods[] = {
    {"share_tickets", share_tickets, METH_VARARGS, share_tickets_doc},
    {"load", (PyCFunction)(void (*)(void))load, METH_VARARGS | METH_KEYWORDS, load_doc},
    {"expires_in", expires_in, METH_NOARGS, expires_in_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, new_acceptor},
    {Py_tp_methods, methods},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

PyType_Spec tls_acceptor_type_spec = {
    .name = "casgi._core.TlsAcceptor",
    .basicsize = sizeof(TlsAcceptorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
