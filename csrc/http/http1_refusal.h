/* Why a request is refused: an HTTP status and a few words, by value. */
#ifndef CASGI_HTTP_HTTP1_REFUSAL_H
#define CASGI_HTTP_HTTP1_REFUSAL_H

struct http1_refusal {
    int status;         /* 0: not refused */
    const char *reason; /* static text */
};

#define HTTP1_ACCEPTED ((struct http1_refusal){0, ""})

static inline struct http1_refusal http1_refuse(int status, const char *reason) {
    return (struct http1_refusal){status, reason};
}

#endif
