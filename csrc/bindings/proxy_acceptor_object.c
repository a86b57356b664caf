/* casgi._core.ProxyAcceptor: the Python face of a proxy_factory, which it owns. Whoever listens
 * with it keeps it. */
#include "bindings/proxy_acceptor_object.h"

#include "net/proxy_stream.h"

extern PyType_Spec proxy_acceptor_type_spec;

typedef struct {
    PyObject_HEAD
    struct proxy_factory proxies;
} ProxyAcceptorObject;

const struct stream_factory *proxy_acceptor_object_factory(struct module_state *state,
                                                           PyObject *object) {
    return PyObject_TypeCheck(object, state->proxy_acceptor_type)
               ? &((ProxyAcceptorObject *)object)->proxies.factory
               : NULL;
}

static PyObject *new_acceptor(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"allowed", NULL};
    const char *allowed;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s:ProxyAcceptor", names, &allowed)) {
        return NULL;
    }
    ProxyAcceptorObject *self = (ProxyAcceptorObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL) {
        return NULL;
    }
    int status = proxy_factory_init(&self->proxies, allowed);
    if (status == STATUS_OK) {
        return (PyObject *)self;
    }
    Py_DECREF(self);
    return status == STATUS_NO_MEMORY
               ? PyErr_NoMemory()
               : PyErr_Format(PyExc_ValueError, "no addresses or networks: %s", allowed);
}

static void dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    proxy_factory_release(&((ProxyAcceptorObject *)op)->proxies);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "ProxyAcceptor(allowed: str)\n\nThe proxies that begin connections with the PROXY "
                "protocol: \"127.0.0.1,10.0.0.0/8\", or \"*\" for all."},
    {Py_tp_new, new_acceptor},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

PyType_Spec proxy_acceptor_type_spec = {
    .name = "casgi._core.ProxyAcceptor",
    .basicsize = sizeof(ProxyAcceptorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
