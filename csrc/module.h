/* The definition of casgi._core, by which a type finds its module. */
#ifndef CASGI_MODULE_H
#define CASGI_MODULE_H

#include "asgi/outcome.h"

extern struct PyModuleDef casgi_module;

#endif
