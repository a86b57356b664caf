/* Choosing between plain and compressed frames. Owns a deflater of its own with context takeover.
 */
#include "ws/ws_sender.h"

#include "ws/ws_frame.h"

void ws_sender_compress(struct ws_sender *sender, struct ws_deflater_pool *pool,
                        const struct ws_deflate_terms *terms) {
    sender->pool = pool;
    sender->terms = terms;
}

/* NULL when the message is to go as it is. */
static struct frame *compress(struct ws_sender *sender, bool is_text, struct slice payload) {
    uint8_t bits = sender->terms->server_window_bits;
    if (!sender->terms->server_has_takeover) {
        return ws_deflater_pool_frame(sender->pool, bits, is_text, payload);
    }
    if (sender->deflater == NULL) {
        sender->deflater = ws_deflater_new(sender->pool, bits);
    }
    return sender->deflater == NULL ? NULL : ws_deflater_frame(sender->deflater, is_text, payload);
}

struct frame *ws_sender_frame(struct ws_sender *sender, bool is_text, struct slice payload) {
    struct frame *frame = NULL;
    if (sender->pool != NULL && ws_deflater_pool_wants(sender->pool, payload.length)) {
        frame = compress(sender, is_text, payload);
    }
    return frame != NULL ? frame : ws_frame_new(is_text ? WS_TEXT : WS_BINARY, payload);
}

struct frame *ws_sender_group_frame(struct ws_sender *sender, struct ws_message *message) {
    if (sender->pool == NULL || !ws_deflater_pool_wants(sender->pool, message->payload.length)) {
        return ws_message_plain(message);
    }
    if (sender->deflater != NULL) {
        ws_deflater_forget(sender->deflater);
    }
    return ws_message_deflated(message, sender->pool, sender->terms->server_window_bits);
}

void ws_sender_release(struct ws_sender *sender) {
    ws_deflater_free(sender->deflater);
    *sender = (struct ws_sender){NULL, NULL, NULL};
}
