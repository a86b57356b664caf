/* casgi._core.TlsAcceptor, for Server.listen(). */
#ifndef CASGI_BINDINGS_TLS_ACCEPTOR_OBJECT_H
#define CASGI_BINDINGS_TLS_ACCEPTOR_OBJECT_H

#include "state.h"

struct stream_factory;

/* Returns what makes the streams of a listener with this TlsAcceptor (*borrowed* from it), or NULL
 * with TypeError when it is none, or ValueError before load(). */
const struct stream_factory *tls_acceptor_object_factory(struct module_state *state,
                                                         PyObject *object);

#endif
