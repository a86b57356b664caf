/* Words for what is wrong. Owns nothing. */
#include "tls/tls_error.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tls_error_set(struct tls_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return false;
}

/* OpenSSL says "no such file" in several ways, and of a folder something else. */
bool tls_error_check_readable(struct tls_error *error, const char *option, const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return tls_error_set(error, "%s: cannot read %s: %s", option, path, strerror(errno));
    }
    fclose(file);
    return true;
}

const char *tls_error_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "unknown error";
}
