/* The opening handshake's arithmetic and rules (RFC 6455 section 4.2), on header values: no HTTP
 * type, no I/O. */
#ifndef CASGI_WS_WS_HANDSHAKE_H
#define CASGI_WS_WS_HANDSHAKE_H

#include "base/slice.h"

#define WS_KEY_LENGTH    24
#define WS_ACCEPT_LENGTH 28

/* True for a Sec-WebSocket-Key (*borrows*, trimmed): base64 of 16 bytes, 24 characters. */
bool ws_handshake_key_is_valid(struct slice key);

/* Writes the Sec-WebSocket-Accept that answers a valid `key` (*borrows*): 28 characters, no NUL.
 * False, with nothing written, when this machine's libcrypto is configured without SHA-1. */
bool ws_handshake_accept(struct slice key, char accept[WS_ACCEPT_LENGTH]);

/* True when `version` (*borrows*, trimmed) is "13", the only one there is. */
bool ws_handshake_version_is_supported(struct slice version);

/* Steps through the subprotocols of one Sec-WebSocket-Protocol value: returns the next one trimmed
 * (*borrows* from the value), and takes it off *rest; empty at the end. Empty list elements are
 * passed over (RFC 9110 section 5.6.1.2). */
struct slice ws_handshake_next_subprotocol(struct slice *rest);

#endif
