/* What a peer asks of the hub, frame by frame. Holds nothing. */
#ifndef CASGI_HUB_HUB_REQUESTS_H
#define CASGI_HUB_HUB_REQUESTS_H

#include "hub/hub_peer.h"

/* Does what the frame asks for. STATUS_OK; else the connection is to end. */
int hub_requests_handle(struct hub_peer *peer, const struct hub_frame *frame);

#endif
