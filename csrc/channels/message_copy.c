/* Copies of messages. Holds nothing. Runs application code where the message has more in it than
 * plain values. */
#include "channels/message_copy.h"

#include "channels/plain.h"

PyObject *message_copy(struct module_state *state, PyObject *message) {
    PyObject *copy;
    return plain_copy(message, &copy) == 0 ? PyObject_CallOneArg(state->deepcopy, message) : copy;
}
