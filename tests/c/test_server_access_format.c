/* Formats of the access log: what is read, what is refused, and that no client can write a line. */
#include "server/access_format.h"

#include "base/memory.h"
#include "check.h"

static const struct address PEER = {.family = ADDRESS_INET, .port = 40312, .host = "127.0.0.1"};

static struct access_request request_for(struct slice path) {
    return (struct access_request){.method = SLICE_LITERAL("GET"),
                                   .target = path,
                                   .path = path,
                                   .query = SLICE_LITERAL("token=secret"),
                                   .referer = SLICE_LITERAL("http://a/"),
                                   .user_agent = SLICE_LITERAL("curl")};
}

static int parse(struct access_format *format, const char *text) {
    char error[512];
    return access_format_parse(format, slice_of(text, strlen(text)), error, sizeof(error));
}

/* Returns the line of an entry in a format, in `lines`, which the caller releases. */
static struct slice write_entry(const char *format_text, const struct access_entry *entry,
                                struct buffer *lines) {
    struct access_format format;
    struct access_stamps stamps = {.second = -1};
    access_stamps_set(&stamps, 1764020000, 7);
    memcpy(stamps.local, "24/Nov/2025:22:33:20", sizeof("24/Nov/2025:22:33:20"));
    CHECK_ROW(parse(&format, format_text) == STATUS_OK, format_text);
    CHECK_ROW(access_format_write(&format, entry, &stamps, lines) == STATUS_OK, format_text);
    return buffer_slice(lines);
}

static void check_line(const char *format, const struct access_entry *entry, const char *expected) {
    struct buffer lines = BUFFER_EMPTY;
    struct slice line = write_entry(format, entry, &lines);
    CHECK_TEXT_ROW(line, slice_of(expected, strlen(expected)), format);
    buffer_release(&lines);
}

static void check_response(void) {
    struct access_request request = request_for(SLICE_LITERAL("/rooms/"));
    struct access_entry entry = {.event = ACCESS_RESPONSE,
                                 .peer = &PEER,
                                 .request = &request,
                                 .duration = 1000812,
                                 .size = 12,
                                 .status = 200};
    check_line("ncsa", &entry,
               "127.0.0.1:40312 - - [24/Nov/2025:22:33:20] \"GET /rooms/\" 200 12\n");
    check_line("combined", &entry,
               "127.0.0.1:40312 - - [24/Nov/2025:22:33:20] \"GET /rooms/\" 200 12"
               " \"http://a/\" \"curl\"\n");
    check_line("json", &entry,
               "{\"timestamp\":\"2025-11-24T21:33:20.007Z\",\"client\":\"127.0.0.1:40312\","
               "\"event\":\"RESPONSE\",\"method\":\"GET\",\"path\":\"/rooms/\","
               "\"query\":\"token=secret\",\"status\":200,\"size\":12,\"duration\":1.000812,"
               "\"referer\":\"http://a/\",\"user_agent\":\"curl\"}\n");
    check_line("{{{status}}} {duration} {close_code}\t{messages_in}", &entry,
               "{200} 1.000812 -\t-\n");
    check_line("{path} \xC3\xA4", &entry, "/rooms/ \xC3\xA4\n");
    entry.size = 0;
    check_line("{size}", &entry, "-\n");
}

static void check_websocket(void) {
    struct access_request request = request_for(SLICE_LITERAL("/ws/"));
    struct access_traffic traffic = {
        .messages_in = 1, .messages_out = 2, .bytes_in = 3, .bytes_out = 4, .close_code = 1001};
    struct access_entry entry = {.event = ACCESS_WSDISCONNECT,
                                 .peer = &PEER,
                                 .request = &request,
                                 .traffic = &traffic,
                                 .size = -1,
                                 .status = -1};
    check_line("{request} {status} {size} {query}", &entry, "WSDISCONNECT /ws/ - - -\n");
    check_line("{messages_in} {messages_out} {bytes_in} {bytes_out} {close_code}", &entry,
               "1 2 3 4 1001\n");
}

static void check_peers(void) {
    struct access_request request = request_for(SLICE_LITERAL("/"));
    struct address six = {.family = ADDRESS_INET6, .port = 1, .host = "::1"};
    struct address path = {.family = ADDRESS_UNIX, .host = "/run/a\nb"};
    struct address unnamed = {.family = ADDRESS_UNIX};
    struct address none = {.family = ADDRESS_NONE};
    struct access_entry entry = {.event = ACCESS_RESPONSE, .peer = &six, .request = &request};
    check_line("{client}", &entry, "[::1]:1\n");
    entry.peer = &path;
    check_line("{client}", &entry, "/run/a\\x0ab\n");
    entry.peer = &unnamed;
    check_line("{client}", &entry, "unix\n");
    entry.peer = &none;
    check_line("{client}", &entry, "-\n");
}

/* Every byte in every field that a client chooses: one line, quotes only where the format has them,
 * nothing but printable ASCII. */
static void check_hostile_bytes(void) {
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'/', (char)byte, '"', '\n'};
        struct slice hostile = slice_of(text, sizeof(text));
        struct access_request request = {.method = hostile,
                                         .target = hostile,
                                         .path = hostile,
                                         .query = hostile,
                                         .referer = hostile,
                                         .user_agent = hostile};
        struct access_entry entry = {.event = ACCESS_RESPONSE, .peer = &PEER, .request = &request};
        const char *const formats[] = {"combined", "json"};
        const size_t quotes[] = {6, 2 * 11 + 2 * 8}; /* of 11 names and 8 texts */
        for (size_t i = 0; i < 2; i++) {
            struct buffer lines = BUFFER_EMPTY;
            struct slice line = write_entry(formats[i], &entry, &lines);
            size_t found = 0;
            for (size_t at = 0; at + 1 < line.length; at++) {
                CHECK_ROW(line.data[at] >= 0x20 && line.data[at] < 0x7F, formats[i]);
                found += line.data[at] == '"';
            }
            CHECK_ROW(line.data[line.length - 1] == '\n', formats[i]);
            CHECK_ROW(found == quotes[i], formats[i]);
            buffer_release(&lines);
        }
    }
}

static void check_escapes(void) {
    struct access_request request = request_for(slice_of("/\0\"\\\x1b\x7f\xff", 7));
    struct access_entry entry = {.event = ACCESS_RESPONSE, .peer = &PEER, .request = &request};
    check_line("{path}", &entry, "/\\x00\\x22\\x5c\\x1b\\x7f\\xff\n");
    struct buffer lines = BUFFER_EMPTY;
    struct slice line = write_entry("json", &entry, &lines);
    struct slice escaped =
        SLICE_LITERAL("\"path\":\"/\\u0000\\u0022\\u005c\\u001b\\u007f\\u00ff\"");
    CHECK(memmem(line.data, line.length, escaped.data, escaped.length) != NULL);
    buffer_release(&lines);
}

static void check_refused(void) {
    static const char *const refused[] = {"",          "jsno",       "{",       "{client",
                                          "}",         "{client}}",  "{}",      "{Client}",
                                          "{client }", "{client}\n", "a{nope}", "{{client}}"};
    struct access_format format;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK_ROW(parse(&format, refused[i]) == STATUS_INVALID, refused[i]);
    }
    char text[LIMIT_ACCESS_LOG_FORMAT + 2] = "{size}";
    memset(text + 6, 'x', sizeof(text) - 7);
    CHECK(parse(&format, text) == STATUS_INVALID);
    text[LIMIT_ACCESS_LOG_FORMAT] = '\0';
    CHECK(parse(&format, text) == STATUS_OK);
    text[0] = '\0';
    for (int i = 0; i < LIMIT_ACCESS_LOG_FIELDS; i++) {
        memcpy(text + i * 6, "{size}", 7);
    }
    CHECK(parse(&format, text) == STATUS_OK);
    memcpy(text + LIMIT_ACCESS_LOG_FIELDS * 6, "{size}", 7);
    CHECK(parse(&format, text) == STATUS_INVALID);
}

/* The reason fits into whatever room it is given. */
static void check_reasons(void) {
    struct access_format format;
    char error[600];
    for (size_t size = 1; size <= sizeof(error); size++) {
        memset(error, 'x', sizeof(error));
        CHECK(access_format_parse(&format, SLICE_LITERAL("{nope}"), error, size) == STATUS_INVALID);
        CHECK(memchr(error, '\0', size) != NULL);
    }
    CHECK(strstr(error, "{nope}") != NULL && strstr(error, "close_code") != NULL);
}

/* Without memory a line is not there at all: half a line would be a false one. */
static void check_failing_memory(void) {
    struct access_request request = request_for(SLICE_LITERAL("/rooms/"));
    struct access_entry entry = {.event = ACCESS_RESPONSE, .peer = &PEER, .request = &request};
    struct access_stamps stamps = {.second = -1};
    struct access_format format;
    access_stamps_set(&stamps, 0, 0);
    CHECK(parse(&format, "json") == STATUS_OK);
    size_t failures = 0;
    for (int nth = 1; nth < 100; nth++) {
        struct buffer lines = BUFFER_EMPTY;
        do { /* until it is full */
            CHECK(buffer_append(&lines, SLICE_LITERAL("\n")) == STATUS_OK);
        } while (lines.length < lines.capacity);
        size_t before = lines.length;
        memory_set_failure(nth);
        int status = access_format_write(&format, &entry, &stamps, &lines);
        memory_set_failure(0);
        if (status != STATUS_OK) {
            failures++;
            CHECK(status == STATUS_NO_MEMORY);
            CHECK(lines.length == before);
        }
        buffer_release(&lines);
    }
    CHECK(failures > 0);
}

int main(void) {
    check_response();
    check_websocket();
    check_peers();
    check_hostile_bytes();
    check_escapes();
    check_refused();
    check_reasons();
    check_failing_memory();
    return check_report();
}
