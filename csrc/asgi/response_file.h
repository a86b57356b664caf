/* The files of http.response.pathsend and http.response.zerocopysend: regular ones, and nothing
 * else that could block or never end. */
#ifndef CASGI_ASGI_RESPONSE_FILE_H
#define CASGI_ASGI_RESPONSE_FILE_H

#include "asgi/bridge.h"
#include "net/file.h"

/* Opens the file at message["path"]: *range is all of it, with a new reference. Returns -1 with an
 * exception: OSError as open() raises it, ValueError when it is no regular file. */
int response_file_open(struct bridge *bridge, PyObject *message, struct file_range *range);

/* Takes the part of message["file"], an object with fileno(), or a descriptor, that "offset" and
 * "count" name: *range has a new reference to a duplicate of its descriptor, so that the
 * application may close its own. Without an offset the position of the file moves behind what is
 * sent. Returns -1 with an exception. */
int response_file_take(struct bridge *bridge, PyObject *message, struct file_range *range);

#endif
