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

static void disco_form(const struct room *room, struct fb *fb)
{
    fb_field(fb, "muc#roominfo_occupants", "text-single", "Number of occupants",
             str_fmt(fb->arena, "%u", (unsigned)room->occupant_count));
}

static const struct option options[] = {
    {
        .id = OPTION_ID_NAME,
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
        .id = OPTION_ID_DESCRIPTION,
        .name = "description",
        .field = "muc#roomconfig_roomdesc",
        .info = {"muc#roominfo_description"},
        .label = "Description",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, description),
        .max = ROOM_DESC_BYTES_MAX,
        .preset = "",
        .help = "what the room is about",
    },
    {
        .id = OPTION_ID_LANGUAGE,
        .name = "language",
        .field = "muc#roomconfig_lang",
        .info = {"muc#roominfo_lang"},
        .label = "Language spoken in the room",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, language),
        .max = ROOM_LANG_BYTES_MAX,
        .preset = "",
        .help = "the language spoken in the room, as a language tag: en, de-AT",
    },
    {
        .id = OPTION_ID_PERSISTENT,
        .name = "persistent",
        .field = "muc#roomconfig_persistentroom",
        .label = "Keep the room when the last occupant leaves?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, persistent),
        .preset = "off",
        .help = "the room stays when its last occupant leaves",
    },
    {
        .id = OPTION_ID_PUBLIC,
        .name = "public",
        .field = "muc#roomconfig_publicroom",
        .label = "List the room publicly?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, is_public),
        .preset = "on",
        .help = "the room is in the list of rooms",
    },
    {
        .id = OPTION_ID_PUBLIC_LIST,
        .name = "public_list",
        .field = "public_list",
        .label = "List the occupants publicly?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, public_list),
        .preset = "off",
        .help = "who is inside can be asked for from outside",
    },
    {
        .id = OPTION_ID_LOGGED,
        .name = "logged",
        .field = "muc#roomconfig_enablelogging",
        .label = "What is said here is published (who enters is warned; the room itself keeps no "
                 "log)",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, logged),
        .status_on = 170,
        .status_off = 171,
        .preset = "off",
        .help = "who enters is warned that what is said is published: by the operator or a "
                "logging client, not by this program",
    },
    {
        .id = OPTION_ID_LOGS_URL,
        .name = "logs_url",
        .field = "muc#roominfo_logs",
        .info = {"muc#roominfo_logs"},
        .label = "URL of what has been published",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, logs_url),
        .max = ROOM_TEXT_BYTES_MAX,
        .preset = "",
        .help = "URL at which people read what was said in the room",
    },
    {
        .id = OPTION_ID_CONTACT,
        .name = "contact",
        .field = "muc#roominfo_contactjid",
        .info = {"muc#roominfo_contactjid"},
        .label = "Addresses to turn to about the room",
        .type = OPTION_JIDS,
        .offset = offsetof(struct room_options, contact),
        .max = ROOM_TEXT_BYTES_MAX,
        .preset = "",
        .help = "addresses to turn to about the room, separated by commas",
    },
    {
        .id = OPTION_ID_PUBSUB,
        .name = "pubsub",
        .field = "muc#roomconfig_pubsub",
        .info = {"muc#roominfo_pubsub"},
        .label = "XMPP URI of the publish-subscribe node that goes with the room",
        .type = OPTION_TEXT,
        .offset = offsetof(struct room_options, pubsub),
        .max = ROOM_TEXT_BYTES_MAX,
        .preset = "",
        .help = "XMPP URI of a publish-subscribe node that goes with the room",
    },
};

const struct feature feature_profile = {
    .name = "profile",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .disco = disco,
    .disco_form = disco_form,
};
