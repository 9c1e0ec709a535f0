/*
 * Short words for tests of who has which affiliation in a room of three.
 */
#ifndef TESTS_SUPPORT_RANKS_H
#define TESTS_SUPPORT_RANKS_H

#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN_NS      "http://jabber.org/protocol/muc#admin"
#define SERVICE_ADMIN "admin@localhost/desk"

static inline void asks(struct world *w, const char *who, const char *items)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='a'><query xmlns='" ADMIN_NS "'>%s</query></iq>",
         items);
}

static inline void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='a'/>");
}

static inline struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static inline enum affiliation affiliation_of(struct world *w, const char *account)
{
    return room_affiliation_str(world_room(w, ROOM), str_z(account));
}

static inline const struct occupant *inside(struct world *w, const char *nick_key)
{
    return occupant_by_nick(world_room(w, ROOM), str_z(nick_key));
}

#endif
