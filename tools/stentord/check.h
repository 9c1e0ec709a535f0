/*
 * What is wrong with a store, for people; while a server has it open, too.
 */
#ifndef TOOLS_STENTORD_CHECK_H
#define TOOLS_STENTORD_CHECK_H

#include "core/base/str.h"

/* Prints what it finds. The exit status: 0 if that is nothing. */
int check_store(struct str path);

#endif
