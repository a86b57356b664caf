/* What http2_session.c (life, output), http2_receive.c (what nghttp2 tells of what arrives) and
 * http2_fields.c share; nobody else includes it, nor nghttp2.h. */
#ifndef CASGI_HTTP2_HTTP2_INTERNAL_H
#define CASGI_HTTP2_HTTP2_INTERNAL_H

#include <sys/types.h>

#include <nghttp2/nghttp2.h>

#include "http2/http2_budget.h"
#include "http2/http2_closed.h"
#include "http2/http2_frames.h"
#include "http2/http2_head.h"
#include "http2/http2_memory.h"
#include "http2/http2_session.h"

/* A GOAWAY without words (RFC 9113 section 6.8). */
enum { HTTP2_GOAWAY_SIZE = HTTP2_FRAME_HEAD + 8 };

struct http2_session {
    nghttp2_session *nghttp2;
    struct http2_memory memory; /* nghttp2's */
    const struct http2_session_events *events;
    void *owner;
    struct http2_session_limits limits;
    struct http2_head head;
    size_t block_size; /* bytes of the header block so far, as they were sent */
    struct http2_budget resets, glitches, updates;
    struct http2_closed closed;
    struct http2_frames frames;
    size_t open_streams;
    uint64_t now;                          /* of the running http2_session_feed() */
    const char *failure;                   /* why it has failed, static; NULL: it has not */
    uint8_t settings[64];                  /* our own, while they leave */
    uint8_t last_words[HTTP2_GOAWAY_SIZE]; /* made by us, where nghttp2 will not speak any more */
    bool is_broken;                        /* nghttp2 must not be asked any more */
    bool is_in_head;
    bool has_sent_settings;
    bool is_end_known;
    bool has_spoken_last;
};

/* The peer is at fault: GOAWAY with `code`. The first reason counts. */
void http2_session_fail(struct http2_session *session, uint32_t code, const char *reason);

/* Judges a frame by its head, before nghttp2 sees it: what brings nothing is counted, what nghttp2
 * passes by is refused. */
void http2_receive_judge(struct http2_session *session, const struct http2_frame *frame);

/* Sets the callbacks for what arrives. */
void http2_receive_install(nghttp2_session_callbacks *callbacks);

/* The most fields that a head needs beside the application's. */
enum { HTTP2_OWN_FIELDS = 4, HTTP2_LENGTH_ROOM = 20 };

/* Fills in the fields of a response: `fields` has room for the head's and HTTP2_OWN_FIELDS,
 * `digits` holds the numbers among them. *Borrows* all. Returns how many there are. */
size_t http2_fields_write(nghttp2_nv *fields, char digits[2 * HTTP2_LENGTH_ROOM],
                          const struct http_response_head *head,
                          const struct http2_framing *framing);

/* Sends trailer fields behind the last bytes of a stream; nghttp2's error, or 0. */
int http2_fields_submit_trailers(nghttp2_session *nghttp2, int32_t id,
                                 const struct http_fields *trailers);

#endif
