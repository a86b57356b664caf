/* Reading formats of the access log, and writing lines in them. Holds nothing: what it is given is
 * borrowed, and lines go into the caller's buffer. Never asks for the time. */
#include "server/access_format.h"

#include <stdio.h>
#include <time.h>

#define NCSA     "{client} - - [{time}] \"{request}\" {status} {size}"
#define COMBINED NCSA " \"{referer}\" \"{user_agent}\""
#define JSON                                                                                       \
    "{timestamp}{client}{event}{method}{path}{query}{status}{size}{duration}{referer}{user_agent}" \
    "{messages_in}{messages_out}{bytes_in}{bytes_out}{close_code}"

#define FIELD_NAME(name) {#name, sizeof(#name) - 1},
static const struct slice field_names[] = {ACCESS_FIELDS(FIELD_NAME)};

static const struct slice event_names[] = {
    [ACCESS_RESPONSE] = {"RESPONSE", 8},          [ACCESS_WSCONNECTING] = {"WSCONNECTING", 12},
    [ACCESS_WSCONNECT] = {"WSCONNECT", 9},        [ACCESS_WSREJECT] = {"WSREJECT", 8},
    [ACCESS_WSDISCONNECT] = {"WSDISCONNECT", 12},
};

/* --- Formats --- */

static int add_part(struct access_format *format, size_t literal_end, int field) {
    bool is_last = field == ACCESS_FIELD_COUNT;
    if (format->part_count == LIMIT_ACCESS_LOG_FIELDS && !is_last) {
        return STATUS_TOO_LARGE;
    }
    format->parts[format->part_count++] =
        (struct access_part){.literal_end = (uint16_t)literal_end, .field = (uint8_t)field};
    format->has_headers |= field == ACCESS_FIELD_referer || field == ACCESS_FIELD_user_agent;
    return STATUS_OK;
}

static int find_field(struct slice name) {
    int field = 0;
    while (field < ACCESS_FIELD_COUNT && !slice_equals(field_names[field], name)) {
        field++;
    }
    return field;
}

static int refuse_field(struct slice name, char *error, size_t error_size) {
    int length = snprintf(error, error_size, "there is no field {%.*s}: there are",
                          name.length < 40 ? (int)name.length : 40, name.data);
    for (int field = 0; field < ACCESS_FIELD_COUNT && (size_t)length < error_size; field++) {
        length += snprintf(error + length, error_size - (size_t)length, "%s %s",
                           field > 0 ? "," : "", field_names[field].data);
    }
    return STATUS_INVALID;
}

static int refuse(const char *reason, char *error, size_t error_size) {
    snprintf(error, error_size, "%s", reason);
    return STATUS_INVALID;
}

/* Reads the field that stands behind the brace at *position, and moves behind it. */
static int read_field(struct access_format *format, struct slice text, size_t *position,
                      size_t literal_end, char *error, size_t error_size) {
    const char *name = text.data + *position + 1;
    const char *end = memchr(name, '}', text.length - *position - 1);
    if (end == NULL) {
        return refuse("a { has no }; a brace itself is {{", error, error_size);
    }
    struct slice field_name = slice_of(name, (size_t)(end - name));
    int field = find_field(field_name);
    if (field == ACCESS_FIELD_COUNT) {
        return refuse_field(field_name, error, error_size);
    }
    if (add_part(format, literal_end, field) != STATUS_OK) {
        return refuse("it has too many fields", error, error_size);
    }
    *position = (size_t)(end - text.data) + 1;
    return STATUS_OK;
}

static int read_text(struct access_format *format, struct slice text, char *error,
                     size_t error_size) {
    size_t literal_end = 0;
    size_t position = 0;
    while (position < text.length) {
        char c = text.data[position];
        bool is_double = position + 1 < text.length && text.data[position + 1] == c;
        if (c == '{' && !is_double) {
            int status = read_field(format, text, &position, literal_end, error, error_size);
            if (status != STATUS_OK) {
                return status;
            }
            continue;
        }
        if (c == '}' && !is_double) {
            return refuse("a } has no {; a brace itself is }}", error, error_size);
        }
        if ((unsigned char)c < 0x20 && c != '\t') {
            return refuse("it has a control character: a line is one line", error, error_size);
        }
        format->text[literal_end++] = c;
        position += c == '{' || c == '}' ? 2 : 1;
    }
    if (format->part_count == 0) {
        return refuse("it has no field: write ncsa, combined, json, or fields such as {client}",
                      error, error_size);
    }
    return add_part(format, literal_end, ACCESS_FIELD_COUNT);
}

int access_format_parse(struct access_format *format, struct slice text, char *error,
                        size_t error_size) {
    memset(format, 0, sizeof(*format));
    if (slice_equals(text, SLICE_LITERAL("ncsa"))) {
        text = SLICE_LITERAL(NCSA);
    } else if (slice_equals(text, SLICE_LITERAL("combined"))) {
        text = SLICE_LITERAL(COMBINED);
    } else if (slice_equals(text, SLICE_LITERAL("json"))) {
        format->is_json = true;
        text = SLICE_LITERAL(JSON);
    }
    if (text.length > sizeof(format->text)) {
        return refuse("it is too long", error, error_size);
    }
    return read_text(format, text, error, error_size);
}

/* --- Values --- */

enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER, VALUE_SECONDS, VALUE_MILLISECONDS };

struct value {
    enum value_kind kind;
    struct slice text;
    struct slice behind; /* a second text behind a space, or empty */
    uint64_t number;
};

static struct value no_value(void) {
    return (struct value){.kind = VALUE_NONE};
}

static struct value text_value(struct slice text) {
    return text.length == 0 ? no_value() : (struct value){.kind = VALUE_TEXT, .text = text};
}

static struct value number_value(int64_t number) {
    return number < 0 ? no_value()
                      : (struct value){.kind = VALUE_NUMBER, .number = (uint64_t)number};
}

static struct value client_value(const struct address *peer, char *scratch, size_t size) {
    int length;
    if (peer->family == ADDRESS_INET) {
        length = snprintf(scratch, size, "%s:%u", peer->host, (unsigned)peer->port);
    } else if (peer->family == ADDRESS_INET6) {
        length = snprintf(scratch, size, "[%s]:%u", peer->host, (unsigned)peer->port);
    } else if (peer->family == ADDRESS_UNIX) {
        length = snprintf(scratch, size, "%s", peer->host[0] != '\0' ? peer->host : "unix");
    } else { /* it had left before it could be asked */
        return no_value();
    }
    return text_value(slice_of(scratch, (size_t)length));
}

/* The query of a WebSocket often is a token, which a browser can put nowhere else: it stays out. */
static struct value request_value(const struct access_entry *entry, enum access_field field) {
    const struct access_request *request = entry->request;
    bool is_response = entry->event == ACCESS_RESPONSE;
    switch (field) {
    case ACCESS_FIELD_event:
        return text_value(event_names[entry->event]);
    case ACCESS_FIELD_request:
        return (struct value){.kind = VALUE_TEXT,
                              .text = is_response ? request->method : event_names[entry->event],
                              .behind = is_response ? request->target : request->path};
    case ACCESS_FIELD_method:
        return text_value(request->method);
    case ACCESS_FIELD_path:
        return text_value(request->path);
    case ACCESS_FIELD_query:
        return is_response ? text_value(request->query) : no_value();
    case ACCESS_FIELD_referer:
        return text_value(request->referer);
    default:
        return text_value(request->user_agent);
    }
}

static struct value traffic_value(const struct access_traffic *traffic, enum access_field field) {
    if (traffic == NULL) {
        return no_value();
    }
    switch (field) {
    case ACCESS_FIELD_messages_in:
        return number_value((int64_t)traffic->messages_in);
    case ACCESS_FIELD_messages_out:
        return number_value((int64_t)traffic->messages_out);
    case ACCESS_FIELD_bytes_in:
        return number_value((int64_t)traffic->bytes_in);
    case ACCESS_FIELD_bytes_out:
        return number_value((int64_t)traffic->bytes_out);
    default:
        return number_value(traffic->close_code);
    }
}

enum { CLIENT_ROOM = sizeof(((struct address *)NULL)->host) + 16 };

static struct value value_of(enum access_field field, const struct access_entry *entry,
                             const struct access_stamps *stamps, char scratch[CLIENT_ROOM]) {
    switch (field) {
    case ACCESS_FIELD_client:
        return client_value(entry->peer, scratch, CLIENT_ROOM);
    case ACCESS_FIELD_time:
        return text_value(slice_of(stamps->local, strlen(stamps->local)));
    case ACCESS_FIELD_timestamp:
        return (struct value){.kind = VALUE_MILLISECONDS,
                              .text = slice_of(stamps->utc, strlen(stamps->utc)),
                              .number = stamps->milliseconds};
    case ACCESS_FIELD_status:
        return number_value(entry->status);
    case ACCESS_FIELD_size:
        return number_value(entry->size);
    case ACCESS_FIELD_duration:
        return (struct value){.kind = VALUE_SECONDS, .number = entry->duration};
    case ACCESS_FIELD_messages_in:
    case ACCESS_FIELD_messages_out:
    case ACCESS_FIELD_bytes_in:
    case ACCESS_FIELD_bytes_out:
    case ACCESS_FIELD_close_code:
        return traffic_value(entry->traffic, field);
    default:
        return request_value(entry, field);
    }
}

/* --- Lines --- */

/* A line being written: after the first failure nothing more is appended. */
struct line {
    struct buffer *lines;
    int status;
    bool is_json;
};

static void append(struct line *line, struct slice bytes) {
    if (line->status == STATUS_OK && bytes.length > 0) {
        line->status = buffer_append(line->lines, bytes);
    }
}

static bool is_plain(char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void append_escaped(struct line *line, struct slice text) {
    size_t start = 0;
    for (size_t i = 0; i <= text.length; i++) {
        if (i < text.length && is_plain(text.data[i])) {
            continue;
        }
        append(line, slice_of(text.data + start, i - start));
        start = i + 1;
        if (i < text.length) {
            char escaped[8];
            int length = snprintf(escaped, sizeof(escaped), line->is_json ? "\\u%04x" : "\\x%02x",
                                  (unsigned char)text.data[i]);
            append(line, slice_of(escaped, (size_t)length));
        }
    }
}

static void append_value(struct line *line, const struct value *value) {
    char text[32];
    int length = 0;
    switch (value->kind) {
    case VALUE_NONE:
        append(line, SLICE_LITERAL("-"));
        return;
    case VALUE_TEXT:
        append_escaped(line, value->text);
        if (value->behind.length > 0) {
            append(line, SLICE_LITERAL(" "));
            append_escaped(line, value->behind);
        }
        return;
    case VALUE_NUMBER:
        length = snprintf(text, sizeof(text), "%llu", (unsigned long long)value->number);
        break;
    case VALUE_SECONDS:
        length = snprintf(text, sizeof(text), "%llu.%06llu",
                          (unsigned long long)(value->number / 1000000),
                          (unsigned long long)(value->number % 1000000));
        break;
    case VALUE_MILLISECONDS:
        append(line, value->text);
        length = snprintf(text, sizeof(text), ".%03uZ", (unsigned)value->number);
        break;
    }
    append(line, slice_of(text, (size_t)length));
}

static void append_member(struct line *line, enum access_field field, const struct value *value,
                          bool *is_first) {
    if (value->kind == VALUE_NONE) {
        return;
    }
    bool is_quoted = value->kind == VALUE_TEXT || value->kind == VALUE_MILLISECONDS;
    append(line, *is_first ? SLICE_LITERAL("{\"") : SLICE_LITERAL(",\""));
    append(line, field_names[field]);
    append(line, is_quoted ? SLICE_LITERAL("\":\"") : SLICE_LITERAL("\":"));
    append_value(line, value);
    append(line, is_quoted ? SLICE_LITERAL("\"") : SLICE_EMPTY);
    *is_first = false;
}

int access_format_write(const struct access_format *format, const struct access_entry *entry,
                        const struct access_stamps *stamps, struct buffer *lines) {
    size_t start = lines->length;
    size_t literal = 0;
    bool is_first = true;
    char scratch[CLIENT_ROOM];
    struct line line = {.lines = lines, .status = STATUS_OK, .is_json = format->is_json};
    for (size_t i = 0; i < format->part_count; i++) {
        struct access_part part = format->parts[i];
        append(&line, slice_of(format->text + literal, part.literal_end - literal));
        literal = part.literal_end;
        if (part.field == ACCESS_FIELD_COUNT) {
            break;
        }
        struct value value = value_of(part.field, entry, stamps, scratch);
        if (format->is_json) {
            append_member(&line, part.field, &value, &is_first);
        } else if (part.field == ACCESS_FIELD_size && value.number == 0) {
            append(&line, SLICE_LITERAL("-")); /* no bytes, as NCSA wants it */
        } else {
            append_value(&line, &value);
        }
    }
    append(&line, format->is_json ? SLICE_LITERAL("}\n") : SLICE_LITERAL("\n"));
    if (line.status != STATUS_OK) {
        lines->length = start;
    }
    return line.status;
}

void access_stamps_set(struct access_stamps *stamps, int64_t second, unsigned milliseconds) {
    stamps->milliseconds = milliseconds;
    if (second != stamps->second) {
        time_t now = (time_t)second;
        struct tm parts;
        localtime_r(&now, &parts);
        strftime(stamps->local, sizeof(stamps->local), "%d/%b/%Y:%H:%M:%S", &parts);
        gmtime_r(&now, &parts);
        strftime(stamps->utc, sizeof(stamps->utc), "%Y-%m-%dT%H:%M:%S", &parts);
        stamps->second = second;
    }
}
