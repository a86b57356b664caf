/* Who calls us: for the one courtesy that Channels needs. */
#ifndef CASGI_ASGI_CALLER_H
#define CASGI_ASGI_CALLER_H

#include "state.h"

/* True when a Python function of the package `name` ("channels" and "channels.x") is among the
 * callers of the running code. Looks through every frame: for cold paths. */
bool caller_is_in_package(const char *name);

#endif
