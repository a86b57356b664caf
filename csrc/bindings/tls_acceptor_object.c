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

/* Sets texts[] to those of a tuple of str, to which they belong. */
static int read_texts(PyObject *given, const char **texts) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); i++) {
        Py_ssize_t length;
        texts[i] = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(given, i), &length);
        if (texts[i] == NULL) {
            return -1;
        }
        if (strlen(texts[i]) != (size_t)length) {
            PyErr_SetString(PyExc_ValueError, "embedded null character");
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

/* Loads the certificates and responses of the two tuples, with what the settings say besides. */
static int load_files(struct tls_acceptor *acceptor, struct tls_settings *settings,
                      PyObject *certificates, PyObject *ocsp) {
    struct tls_error error = {""};
    settings->certificate_count = (size_t)PyTuple_GET_SIZE(certificates);
    settings->ocsp_count = ocsp == NULL ? 0 : (size_t)PyTuple_GET_SIZE(ocsp);
    struct tls_certificate *read =
        PyMem_Calloc(settings->certificate_count, sizeof(*settings->certificates));
    const char **files = PyMem_Calloc(settings->ocsp_count, sizeof(*files));
    settings->certificates = read;
    settings->ocsp_files = files;
    if (read == NULL || files == NULL) {
        PyErr_NoMemory();
    } else if (read_certificates(certificates, read) == 0 &&
               (ocsp == NULL || read_texts(ocsp, files) == 0) &&
               tls_acceptor_load(acceptor, settings, &error) != STATUS_OK) {
        PyErr_Format(PyExc_ValueError, "%s", error.text); /* also if it is cut in a character */
    }
    PyMem_Free(read);
    PyMem_Free(files);
    return PyErr_Occurred() ? -1 : 0;
}

PyDoc_STRVAR(
    load_doc,
    "load(certificates, *, ca_certs=None, verify=0, ciphers=None, needs_tls_1_3=False, "
    "http2=True, ocsp=()) -> None\n\n"
    "Takes these for the handshakes to come. Raises ValueError with the reason, everything then "
    "being as before.");

static PyObject *load(PyObject *op, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"certificates",  "ca_certs", "verify", "ciphers",
                            "needs_tls_1_3", "http2",    "ocsp",   NULL};
    struct tls_settings settings = {0};
    PyObject *certificates, *ocsp = NULL;
    int verify = TLS_VERIFY_NONE, needs_tls_1_3 = 0, has_http2 = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$zizppO!:load", names, &PyTuple_Type,
                                     &certificates, &settings.ca_certs, &verify, &settings.ciphers,
                                     &needs_tls_1_3, &has_http2, &PyTuple_Type, &ocsp) ||
        check_verify(verify) < 0) {
        return NULL;
    }
    if (PyTuple_GET_SIZE(certificates) == 0) {
        PyErr_SetString(PyExc_ValueError, "TLS needs a certificate");
        return NULL;
    }
    settings.verify = (enum tls_verify)verify;
    settings.needs_tls_1_3 = needs_tls_1_3;
    settings.has_http2 = has_http2;
    struct tls_acceptor *acceptor = ((TlsAcceptorObject *)op)->acceptor;
    return load_files(acceptor, &settings, certificates, ocsp) < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(expires_in_doc,
             "expires_in() -> int\n\nSeconds until the first of the certificates expires; negative "
             "when one has. After load() only.");

/* Returns NULL with an exception before the first load. */
static struct tls_acceptor *loaded(PyObject *op) {
    struct tls_acceptor *acceptor = ((TlsAcceptorObject *)op)->acceptor;
    if (!tls_acceptor_is_loaded(acceptor)) {
        PyErr_SetString(PyExc_RuntimeError, "no certificate was loaded");
        return NULL;
    }
    return acceptor;
}

static PyObject *expires_in(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    struct tls_acceptor *acceptor = loaded(op);
    return acceptor == NULL ? NULL : PyLong_FromLongLong(tls_acceptor_expires_in(acceptor));
}

PyDoc_STRVAR(ocsp_expires_in_doc,
             "ocsp_expires_in() -> int | None\n\nSeconds until the first of the stapled responses "
             "is out of date; negative when one is; None without any. After load() only.");

static PyObject *ocsp_expires_in(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    struct tls_acceptor *acceptor = loaded(op);
    if (acceptor == NULL) {
        return NULL;
    }
    long long left = tls_acceptor_ocsp_expires_in(acceptor);
    return left == TLS_OCSP_NEVER ? Py_NewRef(Py_None) : PyLong_FromLongLong(left);
}

static void dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    tls_acceptor_free(((TlsAcceptorObject *)op)->acceptor);
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
    {"ocsp_expires_in", ocsp_expires_in, METH_NOARGS, ocsp_expires_in_doc},
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
