/* How much a peer may do that costs us work and brings nothing: a bucket of tokens that refills
 * with time. Honest peers come in bursts (a page that is left breaks off all it was loading),
 * floods do not end. */
#ifndef CASGI_HTTP2_HTTP2_BUDGET_H
#define CASGI_HTTP2_HTTP2_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in its owner. */
struct http2_budget {
    size_t size;       /* tokens when it is full */
    size_t left;       /* tokens in it */
    uint64_t refilled; /* milliseconds, when it was */
};

/* Initialises a full one. */
static inline void http2_budget_init(struct http2_budget *budget, size_t size) {
    *budget = (struct http2_budget){.size = size, .left = size};
}

/* Puts tokens back, no more than fit. */
static inline void http2_budget_earn(struct http2_budget *budget, size_t tokens) {
    size_t room = budget->size - budget->left;
    budget->left += tokens < room ? tokens : room;
}

/* Takes one token; false when there is none. An empty bucket is full again after
 * LIMIT_HTTP2_REFILL_SECONDS. */
bool http2_budget_take(struct http2_budget *budget, uint64_t now);

#endif
