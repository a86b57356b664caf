/* A process's connection to the hub, on an event loop: what was announced is announced again after
 * every loss, and who uses it is notified of what may have been missed.
 *
 *   down --connect, or a retry--> greeting --WELCOME--> up --end, or silence--> down
 *
 * What is sent while it is greeting goes behind the hello. Frames are numbered for the client's
 * life: `acked` is the number up to which the hub has answered; what was not answered when the
 * connection went down never is. Knows no Python; belongs to the loop's thread, or to whoever holds
 * the GIL where that keeps the thread out. */
#ifndef CASGI_HUB_HUB_CLIENT_H
#define CASGI_HUB_HUB_CLIENT_H

#include "base/table.h"
#include "hub/hub_assembly.h"
#include "net/timer.h"
#include "net/write_queue.h"

/* All may run application code; the client may be closed in them. *Borrow* what they are given. */
struct hub_client_events {
    /* A message to a topic. False: no more until hub_client_resume(). */
    bool (*on_deliver)(void *owner, struct slice topic, struct slice payload);
    /* A message of a channel that was asked for. */
    bool (*on_message)(void *owner, struct slice channel, struct slice payload);
    void (*on_acked)(void *owner); /* `acked` has come to `wanted`, or never will: it is down */
    void (*on_failed)(void *owner, uint64_t number, int failure); /* of hub_failure */
    void (*on_up)(void *owner, bool again);
    void (*on_gap)(void *owner); /* messages may have been lost; all is announced again */
    void (*on_down)(void *owner);
};

enum hub_client_state { HUB_CLIENT_DOWN, HUB_CLIENT_GREETING, HUB_CLIENT_UP, HUB_CLIENT_CLOSED };

struct hub_client {
    struct event_loop *loop; /* borrowed */
    const struct hub_client_events *events;
    void *owner;
    struct slice path, project; /* borrowed for life; path ends with a NUL */
    enum hub_client_state state;
    struct stream *stream; /* NULL while there is none; it may be closing while the state is down */
    struct write_queue queue;
    struct hub_decoder decoder;
    struct hub_assembly assembly;
    struct table topics; /* of struct announced, by name */
    struct timer retry;
    struct timer silence;
    struct deferred reading; /* goes on with what waits in the decoder */
    struct deferred writing; /* sends what waits for the loop's rest */
    double next_retry;
    double most_silence;              /* seconds after which a hub that says nothing is dead */
    uint64_t sent, acked, first;      /* numbers of frames; the first of this connection */
    uint64_t sent_bytes, acked_bytes; /* of this connection */
    uint64_t wanted;                  /* on_acked() is called there; 0: not */
    uint64_t announced_at;            /* behind the last frame of announcing anew; 0: it was not */
    uint64_t probe; /* the request whose answer tells that the hub lived at probed_at; 0: none */
    uint64_t probed_at; /* event_loop_now() as it was sent */
    uint64_t lived_at;  /* when the hub certainly lived; 0: not since it is connected */
    uint64_t heard_at;  /* of the last ACK */
    uint64_t read_at;   /* and of whatever came last */
    bool is_held;
    bool is_suspect; /* one more look before the silence counts */
    bool was_up;
    char reason[200]; /* why it is down, or not yet up */
};

/* Prepares a client, which is down. *Borrows* all for life. Its owner may change `most_silence`,
 * which is LIMIT_HUB_SILENCE_SECONDS, before it connects. */
void hub_client_init(struct hub_client *client, struct event_loop *loop, const char *path,
                     struct slice project, const struct hub_client_events *events, void *owner);

/* Connects unless it is connected. STATUS_OK; STATUS_SYSTEM with `reason` set: it will be tried
 * again. */
int hub_client_connect(struct hub_client *client);

/* Each sends one request, of a message as many frames as it needs, and sets *number to what `acked`
 * will come to. They leave together when the loop rests
 * (event_loop_defer_to_rest()), at once on a loop that never does. They connect if need be.
 * STATUS_OK; STATUS_SYSTEM: down, `reason` says why; STATUS_STATE: no credit (the hub does not
 * read); STATUS_TOO_LARGE; STATUS_NO_MEMORY. */
int hub_client_publish(struct hub_client *client, struct slice topic, struct slice payload,
                       bool wants_receiver, uint64_t *number);
int hub_client_send(struct hub_client *client, struct slice channel, struct slice payload,
                    uint32_t capacity, uint32_t milliseconds, bool is_noted, uint64_t *number);
int hub_client_join(struct hub_client *client, struct slice topic, struct slice channel,
                    const uint32_t limits[3], uint64_t *number); /* as in JOIN */
int hub_client_leave(struct hub_client *client, struct slice topic, struct slice channel,
                     uint64_t *number);
int hub_client_flush(struct hub_client *client, struct slice beginning, uint64_t *number);
int hub_client_receive(struct hub_client *client, struct slice channel, uint64_t *number);
int hub_client_abandon(struct hub_client *client, struct slice channel, uint64_t *number);

/* Whether it is connected, and the hub has read enough of what was sent for more to be sent: a
 * request in the same turn of the loop does not fail for either. */
bool hub_client_has_credit(const struct hub_client *client);

/* Announce a topic, and withdraw it; nothing when it is so already. A topic is remembered even when
 * the status says that it could not be announced now. */
int hub_client_announce(struct hub_client *client, struct slice topic, uint64_t *number);
int hub_client_withdraw(struct hub_client *client, struct slice topic, uint64_t *number);

/* Sends at once what waits for the loop's rest: somebody waits for the answer. */
void hub_client_write(struct hub_client *client);

/* True when the hub has shown so lately that it lives that a message counts as sent, on a loop that
 * turns all the time. */
bool hub_client_is_trusted(const struct hub_client *client);

/* The same on a loop that turns only while something is asked for, where answers lie unread: one
 * tells of the moment when it was asked for. What was sent has left this process. Updates the
 * loop's time. */
bool hub_client_is_trusted_unread(struct hub_client *client);

/* Goes on after on_deliver() or on_message() has said false. */
void hub_client_resume(struct hub_client *client);

/* Closes the connection for good; the stream's end takes turns of the loop, which
 * hub_client_is_closed() looks at. Idempotent. */
void hub_client_close(struct hub_client *client);
bool hub_client_is_closed(const struct hub_client *client);

/* For a forked child: sends nothing and calls nobody any more. Frees nothing. */
void hub_client_leave_to_parent(struct hub_client *client);

/* Frees what it holds, once it is closed. */
void hub_client_release(struct hub_client *client);

#endif
