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

void ws_message_release(struct ws_message *message) {
    frame_unref(message->plain);
    message->plain = NULL;
}
