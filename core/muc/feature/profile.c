/*
 * What a room is like: its name, description and language, whether it is listed, whether it
 * outlives its last occupant, whether its occupants are listed.
 * @xep 0045 1.35.5 #registrar-formtype-owner #terms-rooms #disco-roominfo
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

#include <stddef.h>

static void disco(const struct room *room, struct fb *fb)
{
    fb_feature(fb, room->options.is_public ? "muc_public" : "muc_hidden");
    fb_feature(fb, room->options.persistent ? "muc_persistent" : "muc_temporary");
}

static void field(struct fb *fb, const char *var, const char *label, struct str value)
{
    if (!str_empty(value))
        fb_field(fb, var, "text-single", label, value);
}

static void disco_form(const struct room *room, struct fb *fb)
{
    field(fb, "muc#roominfo_description", "Description", room->options.description);
    field(fb, "muc#roominfo_lang", "Language", room->options.language);
    field(fb, "muc#roominfo_occupants", "Number of occupants",
          str_fmt(fb->arena, "%u", (unsigned)room->occupant_count));
}

static const struct option options[] = {
    {
        .name = "name",
        .field = "muc#roomconfig_roomname",
        .label = "Name of the room",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, name),
        .max = ROOM_TEXT_BYTES_MAX,
        .preset = "",
        .help = "the name of the room, for people",
    },
    {
        .name = "description",
        .field = "muc#roomconfig_roomdesc",
        .label = "Description",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, description),
        .max = ROOM_DESC_BYTES_MAX,
        .preset = "",
        .help = "what the room is about",
    },
    {
        .name = "language",
        .field = "muc#roomconfig_lang",
        .label = "Language spoken in the room",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, language),
        .max = ROOM_LANG_BYTES_MAX,
        .preset = "",
        .help = "the language spoken in the room, as a language tag: en, de-AT",
    },
    {
        .name = "persistent",
        .field = "muc#roomconfig_persistentroom",
        .label = "Keep the room when the last occupant leaves?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, persistent),
        .preset = "off",
        .help = "the room stays when its last occupant leaves",
    },
    {
        .name = "public",
        .field = "muc#roomconfig_publicroom",
        .label = "List the room publicly?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, is_public),
        .preset = "on",
        .help = "the room is in the list of rooms",
    },
    {
        .name = "public_list",
        .field = "public_list",
        .label = "List the occupants publicly?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, public_list),
        .preset = "off",
        .help = "who is inside can be asked for from outside",
    },
    {
        .name = "archive",
        .aliases = {"muc#roomconfig_enablelogging", "muc#roomconfig_enablearchiving", "mam"},
        .label = "Archive the messages?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, archive),
        .preset = "off",
        .never_on = "must be off: this version keeps no archive",
        .help = "messages are archived; not possible in this version",
    },
};

const struct feature feature_profile = {
    .name = "profile",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .disco = disco,
    .disco_form = disco_form,
};
