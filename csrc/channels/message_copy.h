/* Copying messages: each receiver has one of its own, which it may change. */
#ifndef CASGI_CHANNELS_MESSAGE_COPY_H
#define CASGI_CHANNELS_MESSAGE_COPY_H

#include "state.h"

/* Copies any message: as plain_copy(), or by copy.deepcopy(). Returns new reference, or NULL with
 * an exception. */
PyObject *message_copy(struct module_state *state, PyObject *message);

#endif
