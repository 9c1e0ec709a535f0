/*
 * External component links (XEP-0114): we connect to the host server, shake hands, and speak for
 * one service domain on each. There may be several for one domain, to one host or to the members of
 * a cluster; all of them are dealt out to the lanes in turn. Each keeps one route for life: rooms
 * do not notice a reconnect. It is never closed for being slow and never stopped for one shard.
 *
 * @xep 0114 1.6 #proto
 */
#ifndef NET_COMPONENT_H
#define NET_COMPONENT_H

#include "core/base/limits.h"
#include "core/base/str.h"
#include "core/muc/roster.h"

#include <stdbool.h>
#include <stdint.h>

/* What one domain is spoken for with. Texts end in NUL. */
struct component_service {
    struct str domain;
    struct str secret;
    struct str domain_option; /* where the operator says so: "muc.domain" */
    struct str section;       /* and the rest: "component" */
    unsigned link_count;
};

struct component_host {
    struct str name; /* or address; ends in NUL */
    uint16_t port;
    unsigned service; /* of component_settings.services */
    unsigned number;  /* among the links of its service */
};

struct component_settings {
    struct component_service services[DOMAINS_MAX];
    unsigned service_count;
    struct component_host hosts[LINKS_MAX]; /* of each link; the same one may be there twice */
    unsigned link_count;
};

/* What a link speaks for. */
static inline const struct component_service *
component_service_of(const struct component_settings *settings, unsigned link)
{
    return &settings->services[settings->hosts[link].service];
}

/* Of all links. */
#define COMPONENT_GENERATION 1

/* Where a link lives, for ever. */
static inline struct route component_route(unsigned number, unsigned lanes)
{
    return (struct route){number / lanes, COMPONENT_GENERATION, (uint16_t)(number % lanes)};
}

/* On any lane. */
static inline bool component_has_slot(uint32_t slot)
{
    return slot < LINKS_MAX;
}

#endif
