/* Files: what is opened, and what is not, beneath a directory; with openat2(2) and without. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "net/file.h"
#include "net_support.h"

static char folder[] = "/tmp/casgi-files-XXXXXX";
static int directory;

static void make_file(const char *name) {
    int descriptor = openat(directory, name, O_CREAT | O_WRONLY, 0600);
    CHECK(descriptor >= 0 && write(descriptor, "text", 4) == 4);
    close(descriptor);
}

static void make_folder(void) {
    CHECK(mkdtemp(folder) != NULL);
    directory = open(folder, O_PATH | O_DIRECTORY);
    CHECK(mkdirat(directory, "sub", 0700) == 0 && mkdirat(directory, "sub/deep", 0700) == 0);
    make_file("file");
    make_file("sub/deep/file");
    CHECK(mkfifoat(directory, "fifo", 0600) == 0);
    CHECK(symlinkat("file", directory, "link") == 0);
    CHECK(symlinkat("/etc/passwd", directory, "outside") == 0);
    CHECK(symlinkat("/etc", directory, "etc") == 0);
    CHECK(symlinkat("..", directory, "up") == 0);
}

static void remove_folder(void) {
    static const char *const names[] = {"file",    "sub/deep/file", "fifo", "link",
                                        "outside", "etc",           "up"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK(unlinkat(directory, names[i], 0) == 0);
    }
    CHECK(unlinkat(directory, "sub/deep", AT_REMOVEDIR) == 0);
    CHECK(unlinkat(directory, "sub", AT_REMOVEDIR) == 0);
    close(directory);
    CHECK(rmdir(folder) == 0);
}

static void test_beneath(void) {
    static const struct {
        const char *path;
        bool is_opened;
    } rows[] = {
        {"file", true},
        {"sub/deep/file", true},
        {"none", false},
        {"sub/none", false},
        {"sub", false},
        {"sub/deep", false},
        {"fifo", false},
        {"link", false},
        {"outside", false},
        {"etc/passwd", false},
        {"up/etc/passwd", false},
        {"../etc/passwd", false},
        {"sub/../../x", false},
        {"/etc/passwd", false},
        {"file/x", false},
        {"file/", false},
        {"", false},
    };
    char longest[5000];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stat facts;
        int descriptor = file_open_beneath(directory, rows[i].path, &facts);
        CHECK_ROW((descriptor >= 0) == rows[i].is_opened, rows[i].path);
        if (descriptor >= 0) {
            CHECK_ROW(facts.st_size == 4, rows[i].path);
            close(descriptor);
        }
        CHECK(file_open_beneath(directory, longest, &facts) < 0);
    }
}

static void test_kinds(void) {
    struct stat facts;
    CHECK(file_open("/tmp", &facts) < 0 && errno == EINVAL);
    CHECK(file_open("/dev/zero", &facts) < 0 && errno == EINVAL);
    CHECK(file_open("/none", &facts) < 0 && errno == ENOENT);
    memory_set_failure(1);
    CHECK(file_new(dup(0)) == NULL);
    memory_set_failure(0);
}

int main(void) {
    make_folder();
    int before = dup(0);
    close(before);
    test_beneath();
    file_opens_by_walking = true;
    test_beneath();
    test_kinds();
    int after = dup(0);
    close(after);
    CHECK(before == after); /* no descriptor was left open */
    remove_folder();
    return net_report();
}
