/* casgi._core.ProxyAcceptor, for Server.listen() and TlsAcceptor. */
#ifndef CASGI_BINDINGS_PROXY_ACCEPTOR_OBJECT_H
#define CASGI_BINDINGS_PROXY_ACCEPTOR_OBJECT_H

#include "state.h"

struct stream_factory;

/* Returns what makes the streams of a listener behind these proxies (*borrowed* from the object);
 * NULL, without an exception, when it is no ProxyAcceptor. */
const struct stream_factory *proxy_acceptor_object_factory(struct module_state *state,
                                                           PyObject *object);

#endif
