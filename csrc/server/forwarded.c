/* Reading a proxy's headers. Owns nothing; decides nothing about trust in the peer: who calls has
 * done that. */
#include "server/forwarded.h"

#include "base/memory.h"
#include "http/forwarded_header.h"
#include "http/header_rules.h"

/* Cuts the last element off a comma-separated list; returns false when there was none. */
static bool take_last(struct slice *rest, struct slice *element) {
    if (rest->data == NULL) {
        return false;
    }
    size_t begin = rest->length;
    while (begin > 0 && rest->data[begin - 1] != ',') {
        begin--;
    }
    *element = slice_trim(slice_of(rest->data + begin, rest->length - begin));
    *rest = begin == 0 ? slice_of(NULL, 0) : slice_of(rest->data, begin - 1);
    return true;
}

/* Whose address was found, and how many hops stand behind it, to the right. */
struct found_client {
    struct address address;
    size_t behind;
};

/* Goes through one header line from its end. Returns whether to go on with the line before: every
 * hop was well-formed and trusted. */
static bool follow_line(struct found_client *client, const struct network_list *trusted,
                        struct slice line) {
    struct slice element;
    while (take_last(&line, &element)) {
        struct address hop;
        if (element.length == 0) {
            continue; /* RFC 9110 section 5.6.1.2: empty elements do not count */
        }
        if (!address_parse(&hop, element)) {
            return false;
        }
        client->behind += client->address.family != ADDRESS_NONE ? 1 : 0;
        client->address = hop;
        if (!network_list_has(trusted, &hop)) {
            return false;
        }
    }
    return true;
}

static void find_client(struct found_client *client, const struct network_list *trusted,
                        const struct http_request_head *head, struct slice name) {
    for (size_t i = head->header_count; i > 0; i--) {
        const struct http_header *header = &head->headers[i - 1];
        if (slice_equals(header->name, name) && !follow_line(client, trusted, header->value)) {
            return;
        }
    }
}

/* Returns the value of a header that is there once; an empty one otherwise: of two, nobody can say
 * which one the proxy has written. */
static struct slice only_value(const struct http_request_head *head, struct slice name) {
    const struct http_header *found = NULL;
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equals(head->headers[i].name, name)) {
            if (found != NULL) {
                return SLICE_EMPTY;
            }
            found = &head->headers[i];
        }
    }
    return found == NULL ? SLICE_EMPTY : found->value;
}

/* Of a list to which each proxy has added, as some do with all these headers: what stands where the
 * client stands among the addresses, from the right; of a shorter list, what all of it says. */
static struct slice value_of_hop(struct slice list, size_t behind) {
    struct slice element, value = SLICE_EMPTY;
    bool agrees = true;
    while (take_last(&list, &element)) {
        if (element.length == 0) {
            continue;
        }
        if (behind-- == 0) {
            return element;
        }
        agrees = agrees && (value.length == 0 || slice_equals_ignoring_case(value, element));
        value = element;
    }
    return agrees ? value : SLICE_EMPTY;
}

static enum forwarded_scheme read_scheme(struct slice value) {
    if (slice_equals_ignoring_case(value, SLICE_LITERAL("https")) ||
        slice_equals_ignoring_case(value, SLICE_LITERAL("wss"))) {
        return FORWARDED_SECURE;
    }
    if (slice_equals_ignoring_case(value, SLICE_LITERAL("http")) ||
        slice_equals_ignoring_case(value, SLICE_LITERAL("ws"))) {
        return FORWARDED_PLAIN;
    }
    return FORWARDED_NO_SCHEME;
}

/* Fills in *forwarded from the X-Forwarded-... headers; there is the one with the address. */
static void read_separate_headers(struct forwarded *forwarded, const struct forwarding *forwarding,
                                  const struct network_list *trusted,
                                  const struct http_request_head *head, struct slice name) {
    struct found_client client = {.behind = 0};
    find_client(&client, trusted, head, name);
    forwarded->client = client.address;
    if (client.address.family != ADDRESS_NONE && forwarding->port_header[0] != '\0') {
        struct slice port = slice_of(forwarding->port_header, strlen(forwarding->port_header));
        (void)address_parse_port(&forwarded->client.port,
                                 value_of_hop(only_value(head, port), client.behind));
    }
    struct slice scheme = only_value(head, SLICE_LITERAL("x-forwarded-proto"));
    struct slice host = only_value(head, SLICE_LITERAL("x-forwarded-host"));
    forwarded->scheme = read_scheme(value_of_hop(scheme, client.behind));
    /* Of proxies some append no host: a place in that list is nobody's, and a client's own word may
     * stand in it. */
    forwarded->host = value_of_hop(host, SIZE_MAX);
}

/* Takes one more hop, to the right of those before: it is the client if it is not trusted, for it
 * has written those itself, or if none of those had an address. */
static void follow_element(struct forwarded *forwarded, const struct network_list *trusted,
                           const struct forwarded_element *element) {
    struct address hop = {.family = ADDRESS_NONE};
    bool has_address = element->node.length > 0 && address_parse(&hop, element->node);
    bool is_known = forwarded->client.family != ADDRESS_NONE;
    if (has_address && is_known && network_list_has(trusted, &hop)) {
        return;
    }
    *forwarded = (struct forwarded){
        .client = hop, .scheme = read_scheme(element->proto), .host = element->host};
}

static void read_forwarded(struct forwarded *forwarded, const struct network_list *trusted,
                           const struct http_request_head *head) {
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equals(head->headers[i].name, SLICE_LITERAL("forwarded"))) {
            struct slice rest = head->headers[i].value;
            struct forwarded_element element;
            while (forwarded_header_next(&rest, &element)) {
                follow_element(forwarded, trusted, &element);
            }
        }
    }
}

struct forwarded *forwarded_new(const struct forwarding *forwarding,
                                const struct network_list *trusted,
                                const struct http_request_head *head) {
    struct slice name = forwarding->reads_forwarded ? SLICE_LITERAL("forwarded")
                                                    : slice_of(forwarding->address_header,
                                                               strlen(forwarding->address_header));
    if (name.length == 0 || http_request_head_find(head, name) == NULL) {
        return NULL;
    }
    struct forwarded *forwarded = memory_allocate_zeroed(sizeof(*forwarded));
    if (forwarded == NULL) {
        return NULL;
    }
    if (forwarding->reads_forwarded) {
        read_forwarded(forwarded, trusted, head);
    } else {
        read_separate_headers(forwarded, forwarding, trusted, head, name);
    }
    if (!forwarding->takes_host || !header_is_host(forwarded->host)) {
        forwarded->host = SLICE_EMPTY;
    }
    return forwarded;
}

static const struct slice root_path_header = {"daphne-root-path", 16};

struct slice forwarded_root_path(const struct http_request_head *head) {
    const struct http_header *header = http_request_head_find(head, root_path_header);
    return header != NULL ? header->value : slice_of(NULL, 0);
}

bool forwarded_is_for_server(struct slice name) {
    return slice_equals(name, root_path_header);
}
