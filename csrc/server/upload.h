/* The body of a request while it comes: a client that sends it too slowly, or not at all, is
 * answered 408.
 *
 * Made only for a body that is not there with its head. The time in which the application does not
 * want more of it is not the client's. */
#ifndef CASGI_SERVER_UPLOAD_H
#define CASGI_SERVER_UPLOAD_H

#include "base/slice.h"

struct exchange;
struct upload;

/* Watches the exchange from now on, unless that is done, or its body is not awaited. */
void upload_watch(struct exchange *exchange);

/* Bytes of the body have come. */
void upload_add(struct upload *upload, size_t bytes);

/* Ends the watch. NULL is fine. */
void upload_free(struct upload *upload);

#endif
