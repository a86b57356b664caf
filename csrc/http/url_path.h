/* The path of a URL as that of a file beneath a directory. Nothing is kept, nothing is allocated.
 */
#ifndef CASGI_HTTP_URL_PATH_H
#define CASGI_HTTP_URL_PATH_H

#include <stdbool.h>

#include "base/slice.h"

/* Writes the file's relative path to `out`, which has room for path.length + 1 bytes, ended by NUL.
 * `path` is percent-encoded and without a slash in front. False when it names no file that may be
 * served: an escape that is none, a slash or control byte in one, a segment that is empty or begins
 * with a dot. */
bool url_path_to_file(struct slice path, char *out);

#endif
