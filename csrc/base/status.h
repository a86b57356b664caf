/* Status codes of everything below the bridge: 0 is success, every failure is negative.
 *
 * They are few, and stand for what the caller can do about it, not for where they arose. The bridge
 * turns them into exceptions in one place (asgi/bridge.c); a protocol turns them into an HTTP
 * status or a close code. */
#ifndef CASGI_BASE_STATUS_H
#define CASGI_BASE_STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_NO_MEMORY = -1, /* an allocation failed: give the connection up */
    STATUS_CLOSED = -2,    /* the peer is gone, or we closed: nothing more can be sent */
    STATUS_STATE = -3,     /* not allowed in this state: the caller's mistake */
    STATUS_INVALID = -4,   /* a value that must not reach the wire: the caller's mistake */
    STATUS_PROTOCOL = -5,  /* the peer broke its protocol */
    STATUS_TOO_LARGE = -6, /* over a limit of base/limits.h or an option */
    STATUS_SYSTEM = -7     /* the operating system refused; errno or the libuv code was reported */
};

#endif
