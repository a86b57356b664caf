/* Reading Forwarded, element by element. Owns nothing and keeps no state. */
#include "http/forwarded_header.h"

#include "http/header_rules.h"

static void skip(struct slice *rest, const char *characters) {
    size_t count = 0;
    while (count < rest->length && strchr(characters, rest->data[count]) != NULL &&
           rest->data[count] != '\0') {
        count++;
    }
    *rest = slice_without_front(*rest, count);
}

/* Takes what stands before any of `ends` off *rest. */
static struct slice take_until(struct slice *rest, const char *ends) {
    size_t length = 0;
    while (length < rest->length && strchr(ends, rest->data[length]) == NULL) {
        length++;
    }
    struct slice taken = slice_of(rest->data, length);
    *rest = slice_without_front(*rest, length);
    return taken;
}

/* RFC 7239 section 4: a token, or a quoted-string. */
static bool take_value(struct slice *rest, struct slice *value) {
    if (rest->length == 0 || rest->data[0] != '"') {
        *value = take_until(rest, " \t;,");
        return header_is_token(*value);
    }
    *rest = slice_without_front(*rest, 1);
    *value = take_until(rest, "\"\\");
    if (rest->length == 0 || rest->data[0] != '"') {
        return false;
    }
    *rest = slice_without_front(*rest, 1);
    return true;
}

static bool set_once(struct slice *member, struct slice value) {
    bool is_first = member->data == NULL;
    *member = value;
    return is_first;
}

static bool take_parameter(struct slice *rest, struct forwarded_element *element) {
    struct slice name = take_until(rest, "=;, \t");
    struct slice value;
    if (!header_is_token(name) || rest->length == 0 || rest->data[0] != '=') {
        return false;
    }
    *rest = slice_without_front(*rest, 1);
    if (!take_value(rest, &value)) {
        return false;
    }
    if (slice_equals_ignoring_case(name, SLICE_LITERAL("for"))) {
        return set_once(&element->node, value);
    }
    if (slice_equals_ignoring_case(name, SLICE_LITERAL("proto"))) {
        return set_once(&element->proto, value);
    }
    if (slice_equals_ignoring_case(name, SLICE_LITERAL("host"))) {
        return set_once(&element->host, value);
    }
    return true; /* by, and what others have registered */
}

bool forwarded_header_next(struct slice *rest, struct forwarded_element *element) {
    *element = (struct forwarded_element){0};
    skip(rest, ", \t");
    if (rest->length == 0) {
        return false;
    }
    bool is_right = true;
    while (is_right && rest->length > 0 && rest->data[0] != ',') {
        is_right = take_parameter(rest, element);
        skip(rest, " \t");
        if (is_right && rest->length > 0 && rest->data[0] == ';') {
            skip(rest, "; \t");
        } else if (rest->length > 0 && rest->data[0] != ',') {
            is_right = false;
        }
    }
    if (!is_right) {
        *element = (struct forwarded_element){0};
        *rest = slice_of(rest->data, 0);
    }
    return true;
}
