/*
 * Password-protected rooms. Nobody bypasses the password unless the operator lets them, owners
 * neither; it is compared in constant time and never leaves the room but in the owner's form.
 * @xep 0045 1.35.5 #enter-pw
 */
#include "core/muc/feature.h"
#include "core/muc/permit.h"

#include "core/xmpp/disco.h"

static const struct option_choice bypass[] = {
    {"none", "Nobody", BYPASS_NONE, false},
    {"admins", "The service's admins", BYPASS_ADMINS, false},
    {"owners", "Owners of the room, and the service's admins", BYPASS_OWNERS, false},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_PASSWORD,
        .name = "password",
        .field = "muc#roomconfig_roomsecret",
        .label = "Password (empty: none is needed)",
        .type = OPTION_SECRET,
        .offset = offsetof(struct room_options, password),
        .max = ROOM_TEXT_BYTES_MAX,
        .preset = "",
        .help = "the password of new rooms; empty: none is needed",
    },
    {
        .id = OPTION_ID_PASSWORD_BYPASS,
        .name = "password_bypass",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, password_bypass),
        .choices = bypass,
        .choice_count = ARRAY_LEN(bypass),
        .preset = "none",
        .help = "who enters without the password: none, admins (of the service) or owners (of the "
                "room, and those admins)",
    },
};

static bool bypasses(const struct room *room, const struct inbound *in)
{
    if (room->options.password_bypass == BYPASS_OWNERS)
        return in->affiliation == AFF_OWNER;
    return room->options.password_bypass == BYPASS_ADMINS &&
           permit_admin(room->env->settings, jid_bare(in->from));
}

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    if (!room_exists(room) || str_empty(room->options.password) || bypasses(room, entry->in))
        return NULL;
    struct str given = node_text(node_find(entry->x, NAME_PASSWORD, NS_MUC), step->arena);
    return str_eq_secret(given, room->options.password) ? NULL : &refusal_PASSWORD;
}

static void disco(const struct room *room, struct fb *fb)
{
    bool needed = !str_empty(room->options.password);
    fb_feature(fb, needed ? "muc_passwordprotected" : "muc_unsecured");
}

const struct feature feature_password = {
    .name = "password",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .may_enter = may_enter,
    .disco = disco,
};
