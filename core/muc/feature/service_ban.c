/*
 * Who the operator has banned from the service: it enters no room and makes none, and learns of
 * none whether it is there. What else it asks of a room is refused before any feature sees it
 * (core/muc/muc.c). The service's admins cannot be shut out by a ban of their domain.
 * @xep 0045 1.35.5 #enter-banned
 */
#include "core/muc/feature.h"
#include "core/muc/permit.h"

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    bool banned = permit_banned(room->env->settings, jid_bare(entry->in->from));

    UNUSED(step);
    return banned ? &refusal_SERVICE_BANNED : NULL;
}

const struct feature feature_service_ban = {
    .name = "service_ban",
    .may_enter = may_enter,
};
