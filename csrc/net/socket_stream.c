/* The stream of a connected socket: libuv's tcp and pipe handles behind the vtable of stream.h.
 * Owns the handle and, through it, the descriptor; frees itself after on_closed(). Reads into the
 * buffer of the loop and allocates nothing for a write that the socket takes at once, so that an
 * idle connection costs its handle only. */
#include "net/socket_stream.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/counters.h"
#include "base/memory.h"
#include "net/event_loop_internal.h"

struct socket_stream {
    struct stream stream;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uint64_t read_turn; /* the last turn in which it was read from */
    uint64_t given;     /* bytes that the kernel or libuv has */
    int descriptor;     /* libuv's, which closes it */
    bool is_reading;
    bool has_ended;     /* on_read_end() was called */
    bool ended_writing; /* FIN was asked for */
};

static struct socket_stream *socket_of(struct stream *stream) {
    return (struct socket_stream *)stream;
}

static void to_buffers(uv_buf_t *buffers, const struct slice *parts, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        buffers[i].base = (char *)parts[i].data;
        buffers[i].len = parts[i].length;
    }
}

/* libuv reads on while the socket fills the buffer, up to 32 times, and nobody else is served until
 * then: true when that has taken long enough. */
static bool has_had_its_share(const struct socket_stream *socket) {
    struct event_loop *loop = socket->stream.loop;
    return socket->read_turn == loop->turn_number &&
           uv_hrtime() / 1000000 >= uv_now(&loop->uv) + LIMIT_READ_SHARE_MS;
}

/* Without a buffer libuv comes back in the next turn. */
static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)suggested;
    struct socket_stream *socket = handle->data;
    struct event_loop *loop = socket->stream.loop;
    if (has_had_its_share(socket)) {
        *buffer = uv_buf_init(NULL, 0);
        return;
    }
    socket->read_turn = loop->turn_number;
    *buffer = uv_buf_init(loop->read_buffer, sizeof(loop->read_buffer));
}

static void on_read(uv_stream_t *handle, ssize_t length, const uv_buf_t *buffer) {
    struct socket_stream *socket = handle->data;
    struct stream *stream = &socket->stream;
    event_loop_wake(stream->loop);
    if (length > 0) {
        stream->loop->reads++;
        stream->events->on_read(stream->owner, slice_of(buffer->base, (size_t)length));
    } else if (length < 0 && length != UV_ENOBUFS) {
        uv_read_stop(handle);
        socket->is_reading = false;
        socket->has_ended = true;
        stream->events->on_read_end(stream->owner, length == UV_EOF ? STATUS_OK : STATUS_SYSTEM);
    }
}

static void open_stream(struct stream *stream) {
    stream->events->on_open(stream->owner);
}

static int read_start(struct stream *stream) {
    struct socket_stream *socket = socket_of(stream);
    if (socket->is_reading || socket->has_ended) {
        return STATUS_OK;
    }
    if (uv_read_start(&socket->uv.stream, on_allocate, on_read) != 0) {
        return STATUS_SYSTEM;
    }
    socket->is_reading = true;
    event_loop_want_turn(stream->loop);
    return STATUS_OK;
}

static void read_stop(struct stream *stream) {
    struct socket_stream *socket = socket_of(stream);
    if (socket->is_reading) {
        uv_read_stop(&socket->uv.stream);
        socket->is_reading = false;
    }
}

/* send(2) itself: no stream_write() is under way, so that libuv has no part in it, and the kernel's
 * way from send() to the socket is shorter than from the write() that libuv would call. */
static ssize_t try_write(struct stream *stream, const struct slice *parts, unsigned count) {
    int descriptor = socket_of(stream)->descriptor;
    struct iovec buffers[STREAM_PARTS_MAX];
    struct msghdr message = {.msg_iov = buffers, .msg_iovlen = count};
    int flags = MSG_NOSIGNAL | (stream->has_more ? MSG_MORE : 0);
    for (unsigned i = 0; count > 1 && i < count; i++) {
        buffers[i] = (struct iovec){(char *)parts[i].data, parts[i].length};
    }
    ssize_t taken;
    do {
        taken = count == 1 ? send(descriptor, parts[0].data, parts[0].length, flags)
                           : sendmsg(descriptor, &message, flags);
    } while (taken < 0 && errno == EINTR);
    if (taken >= 0) {
        socket_of(stream)->given += (uint64_t)taken;
        return taken;
    }
    bool is_full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
    return is_full ? 0 : STATUS_CLOSED;
}

/* From the page cache to the socket. What is not there is waited for, as nginx does: the kernel
 * reads ahead of us, and a thread for each piece costs more than most of these waits. */
static ssize_t send_file(struct stream *stream, const struct file_range *range) {
    off_t offset = (off_t)range->offset;
    ssize_t taken;
    do {
        taken = sendfile(socket_of(stream)->descriptor, range->file->descriptor, &offset,
                         range->length);
    } while (taken < 0 && errno == EINTR);
    if (taken > 0) {
        socket_of(stream)->given += (uint64_t)taken;
        return taken;
    }
    switch (taken < 0 ? errno : EIO) {
    case EAGAIN:
    case ENOBUFS:
        return 0;
    case EINVAL: /* some file systems have no pages to give */
    case ENOSYS:
        return STATUS_STATE;
    case EBADF: /* not open for reading */
    case EIO:
    case EOVERFLOW:
        return STATUS_SYSTEM;
    default:
        return STATUS_CLOSED;
    }
}

static void on_written(uv_write_t *request, int status) {
    struct socket_stream *socket = request->handle->data;
    struct stream *stream = &socket->stream;
    memory_free(request);
    event_loop_wake(stream->loop);
    if (!stream->closing) {
        stream->events->on_written(stream->owner, status == 0 ? STATUS_OK : STATUS_CLOSED);
    }
}

static int write_parts(struct stream *stream, const struct slice *parts, unsigned count) {
    uv_write_t *request = memory_allocate(sizeof(*request));
    if (request == NULL) {
        return STATUS_NO_MEMORY;
    }
    uv_buf_t buffers[STREAM_PARTS_MAX];
    to_buffers(buffers, parts, count);
    int error = uv_write(request, &socket_of(stream)->uv.stream, buffers, count, on_written);
    if (error != 0) {
        memory_free(request);
        return error == UV_ENOMEM ? STATUS_NO_MEMORY : STATUS_CLOSED;
    }
    for (unsigned i = 0; i < count; i++) {
        socket_of(stream)->given += parts[i].length;
    }
    event_loop_want_turn(stream->loop);
    return STATUS_OK;
}

static void on_shutdown(uv_shutdown_t *request, int status) {
    (void)status;
    struct socket_stream *socket = request->handle->data;
    event_loop_wake(socket->stream.loop);
    memory_free(request);
}

static void end_writing(struct stream *stream) {
    struct socket_stream *socket = socket_of(stream);
    if (socket->ended_writing) {
        return;
    }
    socket->ended_writing = true;
    uv_shutdown_t *request = memory_allocate(sizeof(*request));
    if (request != NULL && uv_shutdown(request, &socket->uv.stream, on_shutdown) == 0) {
        event_loop_want_turn(stream->loop);
        return;
    }
    memory_free(request);
    shutdown(socket->descriptor, SHUT_WR);
}

static void on_closed(uv_handle_t *handle) {
    struct socket_stream *socket = handle->data;
    struct stream *stream = &socket->stream;
    event_loop_wake(stream->loop);
    if (stream->events != NULL) {
        stream->events->on_closed(stream->owner);
    }
    memory_free(socket);
    counters_closed(COUNTER_streams);
}

static void close_handle(struct stream *stream) {
    stream->loop->open_handles--;
    uv_close(&socket_of(stream)->uv.handle, on_closed);
    event_loop_want_turn(stream->loop);
}

static void reset(struct stream *stream) {
    struct socket_stream *socket = socket_of(stream);
    if (socket->uv.handle.type == UV_TCP && !socket->ended_writing &&
        uv_tcp_close_reset(&socket->uv.tcp, on_closed) == 0) {
        stream->loop->open_handles--;
        event_loop_want_turn(stream->loop);
    } else {
        close_handle(stream);
    }
}

static uint64_t progress(const struct stream *stream) {
    const struct socket_stream *socket = (const struct socket_stream *)stream;
    return socket->given - uv_stream_get_write_queue_size(&socket->uv.stream);
}

static void ask_kernel(struct stream *stream, int (*ask)(int, struct sockaddr *, socklen_t *),
                       struct address *address) {
    struct sockaddr_storage storage = {0};
    struct sockaddr *name = (struct sockaddr *)&storage;
    socklen_t length = sizeof(storage);
    int descriptor = stream->closing ? -1 : socket_of(stream)->descriptor;
    address_from_kernel(address, name, ask(descriptor, name, &length) == 0 ? length : 0);
}

static void peer_address(struct stream *stream, struct address *address) {
    ask_kernel(stream, getpeername, address);
}

static void local_address(struct stream *stream, struct address *address) {
    ask_kernel(stream, getsockname, address);
}

static const struct stream_ops socket_stream_ops = {
    .open = open_stream,
    .read_start = read_start,
    .read_stop = read_stop,
    .try_write = try_write,
    .write = write_parts,
    .send_file = send_file,
    .end_writing = end_writing,
    .close = close_handle,
    .reset = reset,
    .progress = progress,
    .peer_address = peer_address,
    .local_address = local_address,
};

static int open_handle(struct socket_stream *socket, uv_loop_t *uv, int family, int descriptor) {
    if (family == AF_UNIX) {
        uv_pipe_init(uv, &socket->uv.pipe, 0);
        return uv_pipe_open(&socket->uv.pipe, descriptor);
    }
    uv_tcp_init(uv, &socket->uv.tcp);
    int error = uv_tcp_open(&socket->uv.tcp, descriptor);
    if (error == 0) {
        uv_tcp_nodelay(&socket->uv.tcp, 1);
    }
    return error;
}

struct stream *socket_stream_new(struct event_loop *loop, int family, int descriptor) {
    struct socket_stream *socket = memory_allocate_zeroed(sizeof(*socket));
    if (socket == NULL) {
        close(descriptor);
        return NULL;
    }
    socket->stream.ops = &socket_stream_ops;
    socket->stream.loop = loop;
    socket->descriptor = descriptor;
    int error = open_handle(socket, event_loop_uv(loop), family, descriptor);
    socket->uv.handle.data = socket;
    counters_opened(COUNTER_streams);
    loop->open_handles++;
    if (error != 0) {
        close(descriptor);
        stream_close(&socket->stream);
        return NULL;
    }
    return &socket->stream;
}

static struct stream *make(const struct stream_factory *factory, struct event_loop *loop,
                           int family, int descriptor) {
    (void)factory;
    return socket_stream_new(loop, family, descriptor);
}

const struct stream_factory socket_stream_factory = {make};
