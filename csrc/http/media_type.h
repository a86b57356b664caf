/* The Content-Type of a file, by its name. */
#ifndef CASGI_HTTP_MEDIA_TYPE_H
#define CASGI_HTTP_MEDIA_TYPE_H

#include "base/slice.h"

/* Returns the type of a file called `name`, static; application/octet-stream when it is not known.
 */
struct slice media_type_of(struct slice name);

#endif
