/* Files that are served before the application: directories under prefixes of URLs (--static).
 *
 * Works on exchanges, and so over every version of HTTP. Opening a file takes a few microseconds,
 * and happens inside on_head(): names and inodes of what a site is made of stay in the kernel's
 * cache, and a thread for each would cost more. Bodies leave by exchange_send_file(). */
#ifndef CASGI_SERVER_STATIC_FILES_H
#define CASGI_SERVER_STATIC_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct exchange;
struct static_mount;

/* To be embedded; zeroed when new. */
struct static_files {
    struct static_mount *mounts; /* the longest URL first, those of the same in the order given */
    size_t count;
};

/* Serves what lies beneath `directory` (a path, which is opened now) under `url`, which begins and
 * ends with a slash. What is not found there is looked for in the next directory of the same URL;
 * behind the last it is a 404, or, when this `falls_through`, the application's. STATUS_OK,
 * STATUS_NO_MEMORY, or STATUS_SYSTEM with errno. */
int static_files_add(struct static_files *files, struct slice url, const char *directory,
                     bool falls_through);

/* Answers the request when it is for these files, after which the exchange may be over; false when
 * it is the application's. Inside on_head(): runs no application code. */
bool static_files_answer(const struct static_files *files, struct exchange *exchange);

/* Closes the directories. */
void static_files_release(struct static_files *files);

#endif
