#include "core/muc/addressee.h"

#include "core/xmpp/prep.h"

struct occupant *addressee(const struct room *room, struct step *step, const struct inbound *in)
{
    if (str_empty(in->nick))
        return NULL;
    struct occupant *occupant = occupant_by_nick(room, prep_nick_key(step->arena, in->nick));
    return occupant != NULL && str_eq(occupant_nick(occupant), in->nick) ? occupant : NULL;
}
