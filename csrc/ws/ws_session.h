/* The receiving half of one WebSocket (RFC 6455 sections 5 to 8): bytes in, messages and control
 * frames out.
 *
 * Checks what wslay leaves to its caller: masks, reserved bits, opcodes, fragments and their order,
 * UTF-8 at the byte where it goes wrong, close payloads, sizes. A frame is judged once its head is
 * whole, before its payload. After a failure or a close frame it takes nothing more. A message that
 * lies whole in one read and fits wslay's buffer is handed on without an allocation; memory is held
 * only inside a fragmented or partly arrived message, and a decoder (wslay's, 4 KiB) only inside a
 * frame: an idle session costs its struct.
 *
 *   OPEN --close frame--> CLOSED (on_close)
 *   OPEN --violation----> FAILED (on_failure with the code to close with) */
#ifndef CASGI_WS_WS_SESSION_H
#define CASGI_WS_WS_SESSION_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "ws/ws_decoder.h"
#include "ws/ws_deflate.h"
#include "ws/ws_frame.h"
#include "ws/ws_inflater.h"
#include "ws/ws_rate.h"

struct ws_session_limits {
    size_t message_size;        /* bytes of a whole message, inflated; 0: no limit */
    size_t frame_size;          /* bytes of one data frame's payload, 0: no limit */
    uint32_t fragments;         /* frames of one message, empty ones too, beside one for each
                                   LIMIT_WS_FRAGMENT_SIZE bytes; 0: no limit */
    struct ws_rate_limits rate; /* for who has a clock */
};

/* Called from inside ws_session_feed(), in the order of the wire; slices are valid during the call.
 * The callee may not feed or release the session. on_close and on_failure are the last event. */
struct ws_session_events {
    void (*on_message)(void *owner, bool is_text, struct slice payload);
    /* To be answered with a pong of the same payload. */
    void (*on_ping)(void *owner, struct slice payload);
    void (*on_pong)(void *owner, struct slice payload);
    /* `code` is WS_CLOSE_NO_STATUS for an empty frame, else one that is sendable; `reason` is valid
     * UTF-8. */
    void (*on_close)(void *owner, int code, struct slice reason);
    /* Fail the connection with this close code: 1002, 1007 (no UTF-8, or can not be inflated), 1008
     * (too many fragments), 1009, or 1011 without memory. `reason` is static, and short enough for
     * a close frame. */
    void (*on_failure)(void *owner, int code, const char *reason);
};

struct ws_session {
    const struct ws_session_events *events;
    void *owner;
    struct ws_decoder_pool *pool;
    const struct ws_session_limits *limits;
    struct ws_decoder *decoder;           /* NULL at a frame's edge, outside ws_session_feed() */
    const struct ws_deflate_terms *terms; /* NULL: nothing is compressed */
    struct ws_inflater_pool *inflaters;
    struct ws_inflater *inflater; /* NULL outside compressed messages, without context takeover */
    struct buffer message;        /* what has arrived of the current message, inflated */
    uint64_t compressed_size;     /* of the current message's frames so far, if it is compressed */
    struct utf8_state utf8; /* of the current text; a text that has ended left it at a start */
    uint32_t fragments;     /* frames of the current message so far; 0 between messages */
    bool is_text;
    bool is_compressed; /* the current message */
    bool is_ended;      /* closed or failed: takes nothing more */
};

/* *Borrows* all pointers for the session's life. */
void ws_session_init(struct ws_session *session, struct ws_decoder_pool *pool,
                     const struct ws_session_limits *limits, const struct ws_session_events *events,
                     void *owner);

/* Messages may be compressed by these terms, from the next frame on. *Borrows* both pointers for
 * the session's life. */
void ws_session_inflate(struct ws_session *session, struct ws_inflater_pool *inflaters,
                        const struct ws_deflate_terms *terms);

/* Feeds what arrived (*borrows*); all of it is used. When the session ends in here, its memory and
 * decoder are given back before the return. */
void ws_session_feed(struct ws_session *session, struct slice bytes);

/* Gives memory and decoder back; takes nothing more; idempotent. */
void ws_session_release(struct ws_session *session);

#endif
