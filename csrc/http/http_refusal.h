/* Why a request is refused: an HTTP status and a few words, by value. */
#ifndef CASGI_HTTP_HTTP_REFUSAL_H
#define CASGI_HTTP_HTTP_REFUSAL_H

struct http_refusal {
    int status;         /* 0: not refused */
    const char *reason; /* static text */
};

#define HTTP_ACCEPTED ((struct http_refusal){0, ""})

static inline struct http_refusal http_refuse(int status, const char *reason) {
    return (struct http_refusal){status, reason};
}

#endif
