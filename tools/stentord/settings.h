/*
 * From the configuration to what each part wants: everything prepared, checked against each other,
 * and explained to the operator where it cannot work. Reads the files that options name; starts
 * nothing.
 */
#ifndef TOOLS_STENTORD_SETTINGS_H
#define TOOLS_STENTORD_SETTINGS_H

#include "core/config/config.h"
#include "core/muc/muc.h"
#include "core/muc/option.h"
#include "net/component.h"
#include "net/router.h"
#include "net/stream.h"
#include "net/tls.h"

struct keep_settings {
    bool sqlite;         /* else everything is kept in memory */
    struct str path;     /* ends in NUL */
    bool power_gated;    /* changes survive the loss of power */
    bool power_messages; /* and messages do */
    bool full_text;
    bool handover; /* a restart behind a host server is not noticed */
    uint32_t keep_days;
    uint32_t keep_count;
};

struct settings {
    struct arena *arena; /* texts below live here */
    struct hash_key hash_key;
    struct hash_key placement_key;
    unsigned threads;
    unsigned net_threads;
    int64_t started_us;
    struct muc_settings services[DOMAINS_MAX]; /* muc.domain, then muc.domains */
    struct room_options room_defaults[DOMAINS_MAX];
    unsigned service_count;
    struct keep_settings store;
    bool client_door;
    struct str client_listen;
    struct stream_settings stream;
    struct router_settings router;
    struct tls *tls;                     /* NULL: none */
    struct component_settings component; /* without a link: none is connected to */
    char error[LOG_LINE_MAX];
};

/* prep_init() has been called. False: settings->error says why; settings_fini() is due either way.
 */
MUST_CHECK bool settings_make(struct settings *settings, const struct config *config);
void settings_fini(struct settings *settings);

/* The sample configuration: every option, its default, one line of explanation. */
void settings_print_sample(void);

#endif
