/* The docstrings of casgi._core.Server's methods: what help() shows; _core.pyi has more. */
#ifndef CASGI_BINDINGS_SERVER_DOCS_H
#define CASGI_BINDINGS_SERVER_DOCS_H

#include "state.h"

PyDoc_STRVAR(listen_doc, "listen(fd: int, backlog: int = 2048, acceptor: TlsAcceptor | "
                         "ProxyAcceptor | None = None) -> None\n\nListens on a bound stream "
                         "socket, of which a copy is kept. Raises OSError.");
PyDoc_STRVAR(metrics_doc, "metrics() -> dict[str, int]\n\nWhat it has done since it began, as "
                          "counts that only grow; all 0 once it is closed.");
PyDoc_STRVAR(stop_doc,
             "stop_listening() -> None\n\nAccepts no more connections. Can be called again.");
PyDoc_STRVAR(leave_doc, "leave() -> None\n\nAccepts no more connections; those that there are go "
                        "on until their next answer, which says that they close.");
PyDoc_STRVAR(close_websockets_doc,
             "close_websockets(most: int) -> int\n\nCloses so many WebSockets "
             "with 1012; returns how many: fewer when none is left.");
PyDoc_STRVAR(shutdown_doc, "shutdown() -> None\n\nLets everything end in order: idle connections "
                           "close, requests finish, WebSockets get 1012.");
PyDoc_STRVAR(abort_doc,
             "abort() -> None\n\nCloses every connection now and cancels every application task.");
PyDoc_STRVAR(close_doc,
             "close() -> None\n\nFrees everything, after abort() if need be. Can be called again.");
PyDoc_STRVAR(leave_to_parent_doc,
             "leave_to_parent() -> None\n\nFor a forked child: nothing that is done from "
             "now on reaches the parent's connections, loop and access log.");
PyDoc_STRVAR(unfinished_doc, "unfinished() -> list[tuple[str, Task]]\n\nReturns the requests whose "
                             "applications have not ended, with their tasks.");

#endif
