/* The date's text against the C library's, over some thousand years. */
#include "http/http_date.h"

#include <time.h>

#include "check.h"

static void check_second(struct http_date *date, int64_t second) {
    char expected[HTTP_DATE_LENGTH + 1];
    struct tm parts;
    time_t time = (time_t)second;
    gmtime_r(&time, &parts);
    strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    CHECK_TEXT(http_date_at(date, second), slice_of(expected, HTTP_DATE_LENGTH));
}

int main(void) {
    struct http_date date = {0};
    CHECK_TEXT(http_date_at(&date, 784111777), SLICE_LITERAL("Sun, 06 Nov 1994 08:49:37 GMT"));
    CHECK_TEXT(http_date_at(&date, 784111777), SLICE_LITERAL("Sun, 06 Nov 1994 08:49:37 GMT"));
    struct http_date fresh = {0};
    CHECK_TEXT(http_date_at(&fresh, 0), SLICE_LITERAL("Thu, 01 Jan 1970 00:00:00 GMT"));
    /* Year 1000 to 9999, in steps that hit every day of the year and hour of the day. */
    for (int64_t second = -30610224000; second < 253402300800; second += 86400 * 5 + 3599) {
        check_second(&date, second);
    }
    for (int64_t day = 11000; day < 20000; day++) {
        check_second(&date, day * 86400);
        check_second(&date, day * 86400 - 1);
    }
    return check_report();
}
