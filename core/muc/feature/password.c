/*
 * Password-protected rooms. Nobody bypasses the password, owners neither; it is compared in
 * constant time and never leaves the room but in the owner's form.
 * @xep 0045 1.35.5 #enter-pw
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

static const struct option options[] = {
    {
        .name = "password",
        .field = "muc#roomconfig_roomsecret",
        .label = "Password (empty: none is needed)",
        .type = OPTION_SECRET,
        .offset = offsetof(struct room_options, password),
        .max = ROOM_TEXT_BYTES_MAX,
        .preset = "",
        .help = "the password of new rooms; empty: none is needed",
    },
};

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    if (!room_exists(room) || str_empty(room->options.password))
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
