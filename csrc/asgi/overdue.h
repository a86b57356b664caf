/* Applications that do not end though nobody waits for them any more: reported to
 * Server.on_overdue, and listed by Server.unfinished(). The callback looks where their tasks stand.
 */
#ifndef CASGI_ASGI_OVERDUE_H
#define CASGI_ASGI_OVERDUE_H

#include "asgi/app_task.h"

/* Calls Server.on_overdue(request, task) for a task that is running; logs without the task's state
 * when there is no such callback. Runs Python code. */
void overdue_report(struct app_task *app_task);

/* Returns new list of (request, task), the latest last; NULL with an exception. */
PyObject *overdue_list(struct bridge *bridge);

#endif
