/*
 * External component link (XEP-0114): we connect to the host server, shake hands, and speak for
 * muc_domain. The link keeps one route for life: rooms do not notice a reconnect. It is never
 * closed for being slow and never stopped for one shard.
 *
 * @xep 0114 1.6 #proto
 */
#ifndef NET_COMPONENT_H
#define NET_COMPONENT_H

#include "core/base/str.h"

#include <stdint.h>

/* Texts end in NUL. */
struct component_settings {
    struct str host; /* name or address of the host server */
    uint16_t port;
    struct str domain; /* muc.domain */
    struct str secret;
};

/* Slot and generation of the link on lane 0. */
#define COMPONENT_SLOT       0
#define COMPONENT_GENERATION 1

#endif
