#include "core/muc/feature.h"

#include "core/xmpp/prep.h"

const struct refusal *entry_read_nick(const struct room *room, struct step *step,
                                      struct entry *entry)
{
    enum nick_verdict verdict =
        prep_nick(step->arena, entry->in->nick, &step->env->settings->nick, &entry->nick);
    if (verdict != NICK_OK)
        return verdict == NICK_BLANK ? &refusal_NICK_BLANK : &refusal_NICK_INVALID;
    entry->nick_key = prep_nick_key(step->arena, entry->nick);
    entry->existing = occupant_by_nick(room, entry->nick_key);
    entry->rewritten = !str_eq(entry->nick, entry->in->nick);
    return NULL;
}
