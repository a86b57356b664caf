/* Tests of server/access_log.c with a file that takes only a part: what is whole in it, and what is
 * said. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "record.h"
#include "server/access_log.h"

static const struct http_request_head request = {.method = {"GET", 3}, .path = {"/rooms/", 7}};
static struct record said;
#define PATH "/tmp/casgi-access-log-XXXXXX"
static char path[] = PATH;

static void on_lost(void *owner, int error) {
    record_add(owner, "lost for %d;", error);
}

static void add_lines(struct access_log *log, int count) {
    struct access_request *remembered = access_log_remember(log, &request);
    struct address peer = {.family = ADDRESS_INET};
    for (int i = 0; i < count; i++) {
        struct access_entry entry = {
            .peer = &peer, .request = remembered, .status = 200 + i, .size = -1};
        access_log_add(log, &entry);
    }
    event_loop_turn(log->loop, 0);
    memory_free(remembered);
}

static void limit_files(rlim_t bytes) {
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY}) == 0);
}

static void check_file(const char *expected) {
    char text[256] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(read(file, text, sizeof(text) - 1) >= 0);
    CHECK_ROW(strcmp(text, expected) == 0, text);
    close(file);
}

static void test_every_line_is_whole(struct event_loop *loop) {
    struct access_log log;
    struct access_format format;
    CHECK(access_format_parse(&format, SLICE_LITERAL("{status} {path}"), NULL, 0) == STATUS_OK);
    int file = mkstemp(path);
    access_log_init(&log, loop, file, &format, on_lost, &said);
    add_lines(&log, 1);
    CHECK_RECORD(&said, "");
    limit_files(12 + 12 + 5);
    add_lines(&log, 4); /* the second of them is cut */
    CHECK_RECORD(&said, "lost for 27;");
    add_lines(&log, 1);
    CHECK_RECORD(&said, "lost for 27;");
    limit_files(RLIM_INFINITY);
    add_lines(&log, 2);
    CHECK_RECORD(&said, "");
    check_file("200 /rooms/\n200 /rooms/\n201 /rooms/\n200 /rooms/\n201 /rooms/\n");
    limit_files(5 * 12);
    add_lines(&log, 1); /* cut between two lines: nothing is kept */
    limit_files(RLIM_INFINITY);
    access_log_close(&log);
    check_file("200 /rooms/\n200 /rooms/\n201 /rooms/\n200 /rooms/\n201 /rooms/\n");
    close(file);
    unlink(path);
}

/* The disk is full in the middle of a line, and the log is opened anew before there is room. */
static void test_rest_of_a_line_is_not_for_another_file(struct event_loop *loop) {
    struct access_log log;
    struct access_format format;
    CHECK(access_format_parse(&format, SLICE_LITERAL("{status} {path}"), NULL, 0) == STATUS_OK);
    strcpy(path, PATH);
    int file = mkstemp(path);
    access_log_init(&log, loop, file, &format, on_lost, &said);
    record_clear(&said);
    limit_files(5);
    add_lines(&log, 1);
    CHECK_RECORD(&said, "lost for 27;");
    limit_files(RLIM_INFINITY);
    unlink(path);
    int other = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    CHECK(dup2(other, file) == file);
    add_lines(&log, 2);
    add_lines(&log, 1);
    check_file("200 /rooms/\n201 /rooms/\n200 /rooms/\n");
    access_log_close(&log);
    close(other);
    close(file);
    unlink(path);
}

int main(void) {
    _Static_assert(EFBIG == 27, "what is said of a file that is too large");
    signal(SIGXFSZ, SIG_IGN);
    struct event_loop *loop = event_loop_new();
    test_every_line_is_whole(loop);
    test_rest_of_a_line_is_not_for_another_file(loop);
    event_loop_free(loop);
    record_clear(&said);
    return check_report();
}
