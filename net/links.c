#include "net/links.h"

#include "core/base/ensure.h"

void links_begin(struct links *links, const struct link_setup *setup, unsigned lanes)
{
    unsigned lane = setup->router->lane;
    ensure(lane < lanes && setup->settings->link_count <= LINKS_MAX);
    for (unsigned i = lane; i < setup->settings->link_count; i += lanes) {
        struct link_setup one = *setup;
        one.number = i;
        one.route = component_route(i, lanes);
        links->at[links->count++] = link_new(&one);
    }
}

void links_fini(struct links *links)
{
    for (unsigned i = 0; i < links->count; i++)
        link_free(links->at[i]);
    links->count = 0;
}

void links_cycle(struct links *links)
{
    for (unsigned i = 0; i < links->count; i++)
        link_cycle(links->at[i]);
}

void links_credit(struct links *links, unsigned shard)
{
    unsigned first = links->turn++;
    for (unsigned i = 0; i < links->count; i++)
        link_credit(links->at[(first + i) % links->count], shard);
}

bool links_wait(const struct links *links)
{
    for (unsigned i = 0; i < links->count; i++) {
        if (link_waits(links->at[i]))
            return true;
    }
    return false;
}

void links_close(struct links *links)
{
    for (unsigned i = 0; i < links->count; i++)
        link_close(links->at[i]);
}

void links_abandon(struct links *links)
{
    for (unsigned i = 0; i < links->count; i++)
        link_abandon(links->at[i]);
}
