/* What an access-log line looks like: a format, read once into its fields, and the values of one
 * event, written in that form. No I/O and no clock: access_log.c has those.
 *
 *   ncsa      127.0.0.1:40312 - - [23/Nov/2026:21:30:00] "GET /rooms/" 200 1234
 *   combined  the same, then "referer" "user agent"
 *   json      {"timestamp":"2026-11-23T20:30:00.123Z","client":"127.0.0.1:40312",...}
 *   any other text that has fields: {client} {request} {status} {duration}; {{ is a brace
 *
 * A client can put nothing into a line that ends it or a quoted field: in text every byte but
 * printable ASCII, quotes and backslashes is \xNN; in JSON it is \u00NN, one character for each
 * byte, which is valid whatever the bytes are. Every byte can be read back. */
#ifndef CASGI_SERVER_ACCESS_FORMAT_H
#define CASGI_SERVER_ACCESS_FORMAT_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "net/address.h"

/* The fields, by the names that formats use. `time` is local and NCSA's, `timestamp` UTC and ISO
 * 8601; `request` is "METHOD target", of a WebSocket its event and path; `duration` is seconds
 * since the request came; the last five are known when a WebSocket has closed. */
#define ACCESS_FIELDS(X)                                                                           \
    X(client)                                                                                      \
    X(time)                                                                                        \
    X(timestamp)                                                                                   \
    X(event)                                                                                       \
    X(request)                                                                                     \
    X(method)                                                                                      \
    X(path)                                                                                        \
    X(query)                                                                                       \
    X(status)                                                                                      \
    X(size)                                                                                        \
    X(duration)                                                                                    \
    X(referer)                                                                                     \
    X(user_agent)                                                                                  \
    X(messages_in)                                                                                 \
    X(messages_out)                                                                                \
    X(bytes_in)                                                                                    \
    X(bytes_out)                                                                                   \
    X(close_code)

#define ACCESS_FIELD_ENUM(name) ACCESS_FIELD_##name,
enum access_field { ACCESS_FIELDS(ACCESS_FIELD_ENUM) ACCESS_FIELD_COUNT };

enum access_event {
    ACCESS_RESPONSE,
    ACCESS_WSCONNECTING,
    ACCESS_WSCONNECT,
    ACCESS_WSREJECT,
    ACCESS_WSDISCONNECT
};

/* Literal text, then a field; the last part has none (ACCESS_FIELD_COUNT). */
struct access_part {
    uint16_t literal_end; /* in text[]; it begins where that of the part before ends */
    uint8_t field;
};

struct access_format {
    bool is_json;     /* objects of the fields that have a value; there are no literals */
    bool has_headers; /* referer or user_agent is asked for */
    size_t part_count;
    struct access_part parts[LIMIT_ACCESS_LOG_FIELDS + 1];
    char text[LIMIT_ACCESS_LOG_FORMAT];
};

/* What a line says of the request, in one allocation; the texts stand in its tail. */
struct access_request {
    uint64_t started; /* microseconds of access_log_clock() */
    struct slice method;
    struct slice target;
    struct slice path;
    struct slice query;
    struct slice referer; /* these two only for a format that has_headers */
    struct slice user_agent;
    char text[];
};

/* What a WebSocket carried: data messages and the bytes of their payloads. */
struct access_traffic {
    uint64_t messages_in;
    uint64_t messages_out; /* given to the connection; it may have closed before they left */
    uint64_t bytes_in;
    uint64_t bytes_out;
    int close_code; /* as the application receives it */
};

struct access_entry {
    enum access_event event;
    const struct address *peer;
    const struct access_request *request;
    const struct access_traffic *traffic; /* NULL unless a WebSocket closed */
    uint64_t duration;                    /* microseconds */
    int64_t size;                         /* of a response's body; -1 for none */
    int status;                           /* -1 for none */
};

/* The moment of a line in both forms; the seconds are formatted when they change. */
struct access_stamps {
    int64_t second; /* Unix time of the texts; -1 when new */
    unsigned milliseconds;
    char local[32];
    char utc[32];
};

/* Reads "ncsa", "combined", "json", or a text with fields. STATUS_INVALID says why in `error`. */
int access_format_parse(struct access_format *format, struct slice text, char *error,
                        size_t error_size);

/* Moves the stamps to a Unix time. */
void access_stamps_set(struct access_stamps *stamps, int64_t second, unsigned milliseconds);

/* Appends the line of an entry (*borrows*), with its end. STATUS_NO_MEMORY leaves the lines as they
 * were. */
int access_format_write(const struct access_format *format, const struct access_entry *entry,
                        const struct access_stamps *stamps, struct buffer *lines);

#endif
