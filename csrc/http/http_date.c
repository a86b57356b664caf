/* IMF-fixdate without the C library's locale and time zone: days since 1970 into a date by
 * arithmetic. The caller owns the text. */
#include "http/http_date.h"

enum { SECONDS_PER_DAY = 86400, DAYS_PER_ERA = 146097, DAYS_FROM_YEAR_0 = 719468 };

struct civil_date {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* Proleptic Gregorian calendar. A year counts from March, so that the leap day is its last one; an
 * era is the 400 years after which the calendar repeats. */
static struct civil_date civil_date_of(int64_t days_since_1970) {
    int64_t days = days_since_1970 + DAYS_FROM_YEAR_0;
    int64_t era = (days >= 0 ? days : days - DAYS_PER_ERA + 1) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    struct civil_date date = {
        .year = era * 400 + year_of_era,
        .month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
    date.year += date.month <= 2 ? 1 : 0;
    return date;
}

static char *put_text(char *out, const char *text, size_t length) {
    memcpy(out, text, length);
    return out + length;
}

static char *put_two_digits(char *out, int value, char after) {
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
    out[2] = after;
    return out + 3;
}

static void write_date(char *out, int64_t second) {
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day = second / SECONDS_PER_DAY - (second % SECONDS_PER_DAY < 0 ? 1 : 0);
    int in_day = (int)(second - day * SECONDS_PER_DAY);
    struct civil_date date = civil_date_of(day);
    out = put_text(out, days + 3 * ((day % 7 + 7) % 7), 3);
    out = put_text(out, ", ", 2);
    out = put_two_digits(out, date.day, ' ');
    out = put_text(out, months + 3 * (date.month - 1), 3);
    *out++ = ' ';
    out[0] = (char)('0' + date.year / 1000 % 10);
    out[1] = (char)('0' + date.year / 100 % 10);
    out = put_two_digits(out + 2, (int)(date.year % 100), ' ');
    out = put_two_digits(out, in_day / 3600, ':');
    out = put_two_digits(out, in_day / 60 % 60, ':');
    out = put_two_digits(out, in_day % 60, ' ');
    put_text(out, "GMT", 4);
}

struct slice http_date_at(struct http_date *date, int64_t second) {
    if (date->second != second || date->text[0] == '\0') {
        write_date(date->text, second);
        date->second = second;
    }
    return slice_of(date->text, HTTP_DATE_LENGTH);
}
