/* Names of static files: how long they may be, and whether they change with their contents. */
#ifndef CASGI_HTTP_STATIC_NAME_H
#define CASGI_HTTP_STATIC_NAME_H

#include <stdbool.h>

#include "base/slice.h"

/* Of a path with its NUL. */
enum { STATIC_NAME_MAX = 4096 };

/* True for a name as Django's ManifestStaticFilesStorage makes it: "app.0123456789ab.css", twelve
 * hexadecimal digits before the extension or at the end. Not when all of them are decimal, as in a
 * name with a date and time: a real hash is so once in three hundred times. */
bool static_name_has_hash(struct slice name);

#endif
