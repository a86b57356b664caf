/* The directories of static files, and whose a request is. Owns their descriptors. */
#include "server/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/memory.h"
#include "http/static_name.h"
#include "http/url_path.h"
#include "server/exchange.h"
#include "server/static_response.h"

struct static_mount {
    char *url; /* owned */
    size_t url_length;
    int directory;
    bool falls_through;
};

static struct slice url_of(const struct static_mount *mount) {
    return slice_of(mount->url, mount->url_length);
}

/* Puts the mount behind those of URLs that are as long, or longer. */
static void insert(struct static_files *files, struct static_mount mount) {
    size_t place = files->count++;
    for (; place > 0 && files->mounts[place - 1].url_length < mount.url_length; place--) {
        files->mounts[place] = files->mounts[place - 1];
    }
    files->mounts[place] = mount;
}

int static_files_add(struct static_files *files, struct slice url, const char *directory,
                     bool falls_through) {
    struct static_mount *mounts =
        memory_resize(files->mounts, (files->count + 1) * sizeof(*mounts));
    if (mounts == NULL) {
        return STATUS_NO_MEMORY;
    }
    files->mounts = mounts;
    struct static_mount mount = {.url_length = url.length, .falls_through = falls_through};
    mount.url = memory_allocate(url.length);
    if (mount.url == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(mount.url, url.data, url.length);
    mount.directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (mount.directory < 0) {
        int error = errno;
        memory_free(mount.url);
        errno = error;
        return STATUS_SYSTEM;
    }
    insert(files, mount);
    return STATUS_OK;
}

static bool is_under(struct slice path, struct slice url) {
    return path.length >= url.length && memcmp(path.data, url.data, url.length) == 0;
}

/* The file may be there all the same: a 404 would be kept by caches. */
static bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO;
}

static bool answer_from(const struct static_mount *mount, struct exchange *exchange) {
    struct slice path = slice_without_front(exchange->request->path, mount->url_length);
    struct static_representation representation;
    char name[STATIC_NAME_MAX];
    if (path.length >= sizeof(name) || !url_path_to_file(path, name)) {
        return false;
    }
    if (static_representation_find(&representation, mount->directory, exchange->request, name)) {
        static_response_send(exchange, &representation, name);
        return true;
    }
    if (is_shortage(errno)) {
        exchange_answer(exchange, 503, SLICE_LITERAL("Service Unavailable"), NULL);
        return true;
    }
    return false;
}

bool static_files_answer(const struct static_files *files, struct exchange *exchange) {
    const struct static_mount *last = NULL;
    for (size_t i = 0; i < files->count; i++) {
        const struct static_mount *mount = &files->mounts[i];
        bool is_meant = last == NULL ? is_under(exchange->request->path, url_of(mount))
                                     : slice_equals(url_of(mount), url_of(last));
        if (is_meant && answer_from(mount, exchange)) {
            return true;
        }
        last = is_meant ? mount : last;
    }
    if (last == NULL || last->falls_through) {
        return false;
    }
    exchange_answer(exchange, 404, SLICE_LITERAL("Not Found"), NULL);
    return true;
}

void static_files_release(struct static_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        close(files->mounts[i].directory);
        memory_free(files->mounts[i].url);
    }
    memory_free(files->mounts);
    *files = (struct static_files){NULL, 0};
}
