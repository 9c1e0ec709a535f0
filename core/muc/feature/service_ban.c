/*
 * Who the operator has banned from the service: it enters no room and makes none, and learns of
 * none whether it is there. The service's admins cannot be shut out by a ban of their domain.
 * @xep 0045 1.35.5 #enter-banned
 */
#include "core/muc/feature.h"
#include "core/muc/permit.h"

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    const struct muc_settings *settings = room->env->settings;
    struct str account = jid_bare(entry->in->from);

    UNUSED(step);
    if (!permit_names(&settings->banned, account) || permit_admin(settings, account))
        return NULL;
    return &refusal_SERVICE_BANNED;
}

const struct feature feature_service_ban = {
    .name = "service_ban",
    .may_enter = may_enter,
};
