/* Networks and addresses as text: what is in which, and what is no address. */
#include "net/network.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "check.h"

static bool is_in(const char *networks, const char *host) {
    struct network_list list;
    struct address address = {.family = ADDRESS_INET};
    CHECK_ROW(network_list_parse(&list, networks) == STATUS_OK, networks);
    strcpy(address.host, host);
    bool has = network_list_has(&list, &address);
    network_list_release(&list);
    return has;
}

static void test_membership(void) {
    static const struct {
        const char *networks, *host;
        bool is_in;
    } rows[] = {
        {"*", "192.0.2.1", true},
        {"*", "::1", true},
        {"*", "fe80::1%eth0", true},
        {"", "127.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"127.0.0.1", "::1", false},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/31", "192.0.2.129", true},
        {"192.0.2.128/31", "192.0.2.130", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.9", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"fe80::/10", "fe80::1%eth0", true},
        {"::1, 10.0.0.0/8 ,192.0.2.1", "192.0.2.1", true},
        {"::1, 10.0.0.0/8 ,192.0.2.1", "::2", false},
        {"*", "/run/socket", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_ROW(is_in(rows[i].networks, rows[i].host) == rows[i].is_in, rows[i].host);
    }
}

static void test_refused_lists(void) {
    static const char *const texts[] = {
        "localhost",     "10.0.0.0/33",
        "10.0.0.0/",     "10.0.0.0/-1",
        "10.0.0.0/8/8",  "::1/129",
        "::/0x8",        "1.2.3",
        "1.2.3.4,x",     ",1.2.3.4",
        "*,::1",         "::1/9999",
        "1.2.3.4/08000", "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222:3333/128"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct network_list list;
        CHECK_ROW(network_list_parse(&list, texts[i]) == STATUS_INVALID, texts[i]);
        CHECK_ROW(list.count == 0 && list.networks == NULL, texts[i]);
    }
}

static void test_no_memory(void) {
    struct network_list list;
    memory_set_failure(1);
    CHECK(network_list_parse(&list, "::1") == STATUS_NO_MEMORY);
    CHECK(list.count == 0);
}

/* Every prefix of the text too, each at the end of a page. */
static void test_addresses(void) {
    static const struct {
        const char *text, *host;
        unsigned port;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {"192.0.2.1:65535", "192.0.2.1", 65535},
        {"2001:DB8:0::1", "2001:db8::1", 0},
        {"[2001:db8::1]", "2001:db8::1", 0},
        {"[2001:db8::1]:80", "2001:db8::1", 80},
        {"::", "::", 0},
        {"", NULL, 0},
        {"[]", NULL, 0},
        {"[", NULL, 0},
        {":", NULL, 0},
        {":80", NULL, 0},
        {"[::1]:", NULL, 0},
        {"[::1]x", NULL, 0},
        {"[::1]:65536", NULL, 0},
        {"192.0.2.1:", NULL, 0},
        {"192.0.2.1:8 ", NULL, 0},
        {"192.0.2.256", NULL, 0},
        {"[192.0.2.1]:80", NULL, 0},
        {"fe80::1%eth0", NULL, 0},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL, 0},
    };
    struct guarded guarded = guarded_open(128);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address = {.family = ADDRESS_NONE};
        for (size_t length = 0; length <= strlen(rows[i].text); length++) {
            address = (struct address){.family = ADDRESS_NONE};
            bool is_address =
                address_parse(&address, guarded_place(&guarded, slice_of(rows[i].text, length)));
            CHECK_ROW(is_address == (address.family != ADDRESS_NONE), rows[i].text);
        }
        CHECK_ROW((address.family != ADDRESS_NONE) == (rows[i].host != NULL), rows[i].text);
        if (rows[i].host != NULL) {
            CHECK_ROW(strcmp(address.host, rows[i].host) == 0, rows[i].text);
            CHECK_ROW(address.port == rows[i].port, rows[i].text);
        }
    }
    guarded_close(&guarded);
}

int main(void) {
    test_membership();
    test_refused_lists();
    test_no_memory();
    test_addresses();
    return check_report();
}
