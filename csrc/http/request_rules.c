/* Rules for requests of every version. Owns nothing. */
#include "http/request_rules.h"

#include "http/header_rules.h"

/* Upper-case letters and dashes, as all registered methods. ASGI's are upper case: "delete" would
 * become DELETE in an application behind a proxy that has forbidden only that. Not 405, which names
 * what the target's resource allows: a tunnel has no resource here (RFC 9110 section 9.1), and PRI
 * is the first word of HTTP/2 (RFC 9113 section 3.4). */
struct http_refusal request_rules_check_method(struct slice method) {
    for (size_t i = 0; i < method.length; i++) {
        if ((method.data[i] < 'A' || method.data[i] > 'Z') && (method.data[i] != '-' || i == 0)) {
            return http_refuse(501, "unknown method");
        }
    }
    if (slice_equals(method, SLICE_LITERAL("CONNECT"))) {
        return http_refuse(501, "CONNECT is not implemented");
    }
    return slice_equals(method, SLICE_LITERAL("PRI")) ? http_refuse(501, "unknown method")
                                                      : HTTP_ACCEPTED;
}

void request_rules_read_expect(struct slice list, bool *expects_continue, bool *expects_other) {
    struct slice expectation;
    while ((expectation = header_next_element(&list)).length > 0) {
        bool is_continue = slice_equals_ignoring_case(expectation, SLICE_LITERAL("100-continue"));
        *expects_continue |= is_continue;
        *expects_other |= !is_continue;
    }
}

bool request_rules_keep_name(struct slice name) {
    return memchr(name.data, '_', name.length) == NULL;
}
