/*
 * The world failed: a negative code (file, socket, library). What a peer did wrong is a refusal
 * (core/xmpp/refusal.h); what we did wrong is ensure().
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

enum err_row {
#define ERR(name, text) ERR_ROW_##name,
#include "core/base/err.def"
#undef ERR
    ERR_ROW_COUNT
};

enum {
    ERR_OK = 0,
#define ERR(name, text) ERR_##name = -1 - (int)ERR_ROW_##name,
#include "core/base/err.def"
#undef ERR
};

/* Text for a code; also for an unknown one. Static. */
const char *err_text(int err);

/* The code for an errno value. */
int err_from_errno(int number);

#endif
