/* What is wrong with the files of a TLS server. */
#ifndef CASGI_TLS_TLS_ERROR_H
#define CASGI_TLS_TLS_ERROR_H

#include <stdbool.h>

/* In words for whoever started the server. */
struct tls_error {
    char text[512];
};

/* Writes the text, drops OpenSSL's own errors, and returns false. */
__attribute__((format(printf, 2, 3))) bool tls_error_set(struct tls_error *error,
                                                         const char *format, ...);

/* As above, when the file `path`, given by `option`, cannot be read; else returns true. */
bool tls_error_check_readable(struct tls_error *error, const char *option, const char *path);

/* OpenSSL's own words about the last thing that failed. *Borrowed* for ever. */
const char *tls_error_reason(void);

#endif
