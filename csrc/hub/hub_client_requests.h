/* The client's inner side: what its two files call of each other. */
#ifndef CASGI_HUB_HUB_CLIENT_REQUESTS_H
#define CASGI_HUB_HUB_CLIENT_REQUESTS_H

#include "hub/hub_client.h"

/* Says hello on a new connection, and announces all topics. */
void hub_client_say_hello(struct hub_client *client);

/* Sends what waits for the loop's rest, which has come. */
void hub_client_on_rest(struct deferred *writing);

/* From now on the hub's silence counts. */
void hub_client_expect_answer(struct hub_client *client);

/* Frees the topics. */
void hub_client_forget_topics(struct hub_client *client);

#endif
