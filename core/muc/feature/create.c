/*
 * Rooms come into being by the first who enters and may make rooms, locked until that person has
 * configured them: to everybody else a locked room does not exist. A tombstone keeps the address
 * closed for a while, to all but the service's admins.
 * @xep 0045 1.35.5 #createroom-general #enter-locked #enter-nonexistent
 */
#include "core/muc/feature.h"
#include "core/muc/permit.h"

#include "core/base/ensure.h"
#include "core/xmpp/prep.h"

static const struct refusal *may_create(const struct room *room, struct str account)
{
    const struct muc_settings *settings = room->env->settings;
    if (!permit_allows(settings, &settings->create, account))
        return &refusal_CREATE_DENIED;
    return prep_local_is_strict(jid_local(room->jid)) ? NULL : &refusal_ROOM_NAME_INVALID;
}

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    struct str account = jid_bare(entry->in->from);
    switch (room->state) {
    case ROOM_OPEN:
        return NULL;
    case ROOM_ABSENT:
        return may_create(room, account);
    case ROOM_LOCKED:
        return str_eq(account, room->creator) ? NULL : &refusal_ROOM_LOCKED;
    case ROOM_DESTROYED:
        if (step->now_us >= room->tombstone->until_us || permit_admin(room->env->settings, account))
            return may_create(room, account);
        return &refusal_ROOM_GONE;
    }
    never("a room is in one of its states");
}

const struct feature feature_create = {
    .name = "create",
    .may_enter = may_enter,
};
