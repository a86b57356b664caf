/* Frames on demand. Owns one reference to each that was made. */
#include "ws/ws_message.h"

#include "ws/ws_frame.h"

void ws_message_init(struct ws_message *message, bool is_text, struct slice payload) {
    *message = (struct ws_message){.payload = payload, .is_text = is_text};
}

struct frame *ws_message_plain(struct ws_message *message) {
    if (message->plain == NULL) {
        message->plain = ws_frame_new(message->is_text ? WS_TEXT : WS_BINARY, message->payload);
    }
    return message->plain;
}

struct frame *ws_message_deflated(struct ws_message *message, struct ws_deflater_pool *pool,
                                  uint8_t window_bits) {
    struct frame **deflated = &message->deflated[window_bits - WS_WINDOW_BITS_LEAST];
    if (*deflated == NULL) {
        *deflated = ws_deflater_pool_frame(pool, window_bits, message->is_text, message->payload);
    }
    if (*deflated == NULL && ws_message_plain(message) != NULL) {
        *deflated = frame_ref(message->plain);
    }
    return *deflated;
}

void ws_message_release(struct ws_message *message) {
    frame_unref(message->plain);
    message->plain = NULL;
    for (size_t i = 0; i < sizeof(message->deflated) / sizeof(message->deflated[0]); i++) {
        frame_unref(message->deflated[i]);
        message->deflated[i] = NULL;
    }
}
