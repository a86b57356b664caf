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

static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void write_date(char *out, int64_t second) {
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

/* --- Reading --- */

static int64_t days_since_1970(const struct civil_date *date) {
    int64_t year = date->year - (date->month <= 2 ? 1 : 0);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int month_from_march = date->month > 2 ? date->month - 3 : date->month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_FROM_YEAR_0;
}

static bool take_text(struct slice *text, struct slice expected) {
    if (text->length < expected.length || memcmp(text->data, expected.data, expected.length) != 0) {
        return false;
    }
    *text = slice_without_front(*text, expected.length);
    return true;
}

static bool take_digits(struct slice *text, size_t count, int *number) {
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= text->length || text->data[i] < '0' || text->data[i] > '9') {
            return false;
        }
        *number = *number * 10 + (text->data[i] - '0');
    }
    *text = slice_without_front(*text, count);
    return true;
}

static bool take_month(struct slice *text, int *month) {
    for (*month = 1; *month <= 12; ++*month) {
        if (take_text(text, slice_of(months + 3 * (*month - 1), 3))) {
            return true;
        }
    }
    return false;
}

static bool take_time(struct slice *text, int *second_of_day) {
    int hour, minute, second;
    bool is_read = take_digits(text, 2, &hour) && take_text(text, SLICE_LITERAL(":")) &&
                   take_digits(text, 2, &minute) && take_text(text, SLICE_LITERAL(":")) &&
                   take_digits(text, 2, &second);
    *second_of_day = is_read ? hour * 3600 + minute * 60 + second : 0;
    return is_read && hour < 24 && minute < 60 && second <= 60;
}

/* "06 Nov 1994 08:49:37 GMT", or with dashes and two digits of the year. */
static bool take_date(struct slice *text, bool is_old, struct civil_date *date, int *time) {
    struct slice between = is_old ? SLICE_LITERAL("-") : SLICE_LITERAL(" ");
    int year;
    if (!take_digits(text, 2, &date->day) || !take_text(text, between) ||
        !take_month(text, &date->month) || !take_text(text, between) ||
        !take_digits(text, is_old ? 2 : 4, &year) || !take_text(text, SLICE_LITERAL(" ")) ||
        !take_time(text, time) || !take_text(text, SLICE_LITERAL(" GMT"))) {
        return false;
    }
    date->year = !is_old ? year : year < 70 ? 2000 + year : 1900 + year;
    return true;
}

/* "Nov  6 08:49:37 1994" */
static bool take_c_date(struct slice *text, struct civil_date *date, int *time) {
    int year;
    if (!take_month(text, &date->month) || !take_text(text, SLICE_LITERAL(" ")) ||
        !(take_text(text, SLICE_LITERAL(" ")) ? take_digits(text, 1, &date->day)
                                              : take_digits(text, 2, &date->day)) ||
        !take_text(text, SLICE_LITERAL(" ")) || !take_time(text, time) ||
        !take_text(text, SLICE_LITERAL(" ")) || !take_digits(text, 4, &year)) {
        return false;
    }
    date->year = year;
    return true;
}

/* The name of the day is taken as it comes: it says nothing that the date does not. */
static bool take_day_name(struct slice *text, size_t *length) {
    for (*length = 0; *length < text->length; ++*length) {
        char c = slice_lower(text->data[*length]);
        if (c < 'a' || c > 'z') {
            break;
        }
    }
    *text = slice_without_front(*text, *length);
    return *length >= 3;
}

bool http_date_parse(struct slice text, int64_t *second) {
    struct civil_date date = {0, 0, 0};
    size_t name_length;
    int time = 0;
    *second = 0;
    if (!take_day_name(&text, &name_length)) {
        return false;
    }
    bool is_read = take_text(&text, SLICE_LITERAL(", "))
                       ? take_date(&text, name_length > 3, &date, &time)
                       : take_text(&text, SLICE_LITERAL(" ")) && take_c_date(&text, &date, &time);
    int64_t day = is_read ? days_since_1970(&date) : 0;
    /* There is no 31 February. */
    is_read = is_read && text.length == 0 && civil_date_of(day).day == date.day;
    *second = is_read ? day * SECONDS_PER_DAY + time : 0;
    return is_read;
}
