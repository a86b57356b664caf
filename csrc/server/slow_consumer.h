/* A member of groups that does not keep up: what is done about it, and how often it was.
 *
 * Only group frames are subject to it. What an application sends itself waits for the client, and
 * its frames are never dropped. */
#ifndef CASGI_SERVER_SLOW_CONSUMER_H
#define CASGI_SERVER_SLOW_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/metrics.h"

/* --slow-consumer. */
enum slow_consumer_policy {
    SLOW_CONSUMER_CLOSE,       /* close code 1008 */
    SLOW_CONSUMER_DROP_OLDEST, /* group frames that wait make room; failing that, as the next */
    SLOW_CONSUMER_DROP_NEWEST  /* the frame is not queued */
};

/* What became of it; counted for each server: WebSockets closed, frames dropped. */
enum slow_consumer_outcome {
    SLOW_CONSUMER_CLOSED,
    SLOW_CONSUMER_DROPPED_OLDEST,
    SLOW_CONSUMER_DROPPED_NEWEST,
    SLOW_CONSUMER_OUTCOMES
};

struct websocket;

/* Makes room for `length` bytes of a group, if need be by the policy. Returns whether there is.
 * Closing the member may run finalizers of the application, by way of the garbage collector, and so
 * change groups and close WebSockets. */
bool slow_consumer_make_room(struct websocket *websocket, size_t length);

/* Where the outcome is counted. */
enum metric slow_consumer_metric(enum slow_consumer_outcome outcome);

/* The outcome's name, static. */
const char *slow_consumer_outcome_name(enum slow_consumer_outcome outcome);

#endif
