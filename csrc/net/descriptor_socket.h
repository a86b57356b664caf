/* Descriptors that processes pass to each other, over one end of a SOCK_SEQPACKET pair.
 *
 * Many send to the same end, one receives. A descriptor is on its way in the kernel: who dies in
 * between loses none, as long as somebody has the receiving end. */
#ifndef CASGI_NET_DESCRIPTOR_SOCKET_H
#define CASGI_NET_DESCRIPTOR_SOCKET_H

#include "net/event_loop.h"

struct descriptor_socket;

/* A descriptor has come, with the number that its sender has given it. *Takes* it; -1 when it is
 * lost: another thread has taken the last place for one. While there is none, nothing is received.
 */
typedef void (*descriptor_received)(void *owner, int descriptor, uint32_t number);

/* Returns new receiver on `end` (*borrows*: it is duplicated), or NULL without memory or
 * descriptors. */
struct descriptor_socket *descriptor_socket_new(struct event_loop *loop, int end,
                                                descriptor_received on_received, void *owner);

/* Receives what is there now, all that this process has room for. */
void descriptor_socket_drain(struct descriptor_socket *socket);

/* Receives no more, and frees the receiver from the loop's next turn. */
void descriptor_socket_close(struct descriptor_socket *socket);

/* Sends a descriptor (*borrows*: the receiver gets a copy) to the other end. Returns false when
 * that is full, or gone. */
bool descriptor_socket_send(int end, int descriptor, uint32_t number);

#endif
