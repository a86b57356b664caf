/* Methods of casgi._core.ChannelTable that list and count: as PyCFunctions, and as rows of a table
 * of methods. */
#ifndef CASGI_CHANNELS_CHANNEL_TABLE_LISTS_H
#define CASGI_CHANNELS_CHANNEL_TABLE_LISTS_H

#include "base/slice.h"
#include "state.h"

/* The text of a name (*borrows* it). Returns -1 with TypeError or UnicodeEncodeError. */
int channel_table_name(PyObject *name, struct slice *slice);

PyObject *channel_table_list_members(PyObject *table, PyObject *group);
PyObject *channel_table_list_joined(PyObject *table, PyObject *group);
PyObject *channel_table_list_size(PyObject *table, PyObject *group);
PyObject *channel_table_list_group_names(PyObject *table, PyObject *ignored);
PyObject *channel_table_list_totals(PyObject *table, PyObject *ignored);
PyObject *channel_table_list_listening(PyObject *table, PyObject *ignored);
PyObject *channel_table_list_sizes(PyObject *table, PyObject *ignored);
PyObject *channel_table_list_waiting(PyObject *table, PyObject *channel);
PyObject *channel_table_list_is_listening(PyObject *table, PyObject *channel);

#define CHANNEL_TABLE_LISTS                                                                        \
    {"members", channel_table_list_members, METH_O,                                                \
     "members(group) -> list[Channel]\n\nIn the order of their joining."},                         \
        {"joined", channel_table_list_joined, METH_O,                                              \
         "joined(group) -> list[tuple[str, float]]\n\nThe members with the time, of "              \
         "time.monotonic(), at which they joined."},                                               \
        {"size", channel_table_list_size, METH_O,                                                  \
         "size(group) -> int\n\nHow many members the group has here."},                            \
        {"groups", channel_table_list_group_names, METH_NOARGS,                                    \
         "groups() -> list[str]\n\nThe groups that have members here."},                           \
        {"group_totals", channel_table_list_totals, METH_NOARGS,                                   \
         "group_totals() -> tuple[int, int, int]\n\nHow many groups there are here, their "        \
         "members, and those of the largest."},                                                    \
        {"listening", channel_table_list_listening, METH_NOARGS,                                   \
         "listening() -> list[Channel]\n\nThose whose consumers listen."},                         \
        {"sizes", channel_table_list_sizes, METH_NOARGS,                                           \
         "sizes() -> dict[str, int]\n\nHow many messages wait in each channel that has "           \
         "some, or that somebody reads."},                                                         \
        {"waiting", channel_table_list_waiting, METH_O,                                            \
         "waiting(channel) -> int | None\n\nHow many messages wait in a channel; "                 \
         "None when none do and nobody reads it."},                                                \
        {"is_listening", channel_table_list_is_listening, METH_O,                                  \
         "is_listening(channel) -> bool\n\nWhether a consumer listens to the channel."},

#endif
