/* casgi._core.TlsAcceptor, and what else Server.listen() takes. */
#ifndef CASGI_BINDINGS_TLS_ACCEPTOR_OBJECT_H
#define CASGI_BINDINGS_TLS_ACCEPTOR_OBJECT_H

#include "state.h"

struct stream_factory;

/* Returns what makes the streams of a listener with this TlsAcceptor, ProxyAcceptor or None
 * (*borrowed* from it), or NULL with TypeError when it is none of these, or ValueError before
 * TlsAcceptor.load(). */
const struct stream_factory *acceptor_object_factory(struct module_state *state, PyObject *object);

#endif
