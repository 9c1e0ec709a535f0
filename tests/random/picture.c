#include "tests/random/picture.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

bool stanza_attribute(const char *tag, const char *name, char *value, unsigned size)
{
    char start[24];
    const char *end = strchr(tag, '>');
    snprintf(start, sizeof(start), " %s='", name);
    const char *at = strstr(tag, start);
    value[0] = '\0';
    if (at == NULL || end == NULL || at > end)
        return false;
    at += strlen(start);
    snprintf(value, size, "%.*s", (int)strcspn(at, "'"), at);
    return true;
}

int stanza_nick(const char *stanza)
{
    char from[200];
    if (!stanza_attribute(stanza, "from", from, sizeof(from)) || strchr(from, '/') == NULL)
        return MODEL_NOTHING;
    for (int i = 0; i < CAST_NICKS; i++) {
        if (strcmp(cast_nicks[i].xml, strchr(from, '/') + 1) == 0)
            return i;
    }
    return MODEL_NOTHING;
}

bool stanza_has_status(const char *stanza, int code)
{
    char status[32];
    snprintf(status, sizeof(status), "<status code='%d'/>", code);
    return strstr(stanza, status) != NULL;
}

bool stanza_is(const char *stanza, const char *kind, const char *type)
{
    char value[32];
    if (strncmp(stanza + 1, kind, strlen(kind)) != 0)
        return false;
    (void)stanza_attribute(stanza, "type", value, sizeof(value));
    return strcmp(value, type) == 0;
}

bool stanza_is_absent(const char *stanza)
{
    char value[100];
    const char *item = strstr(stanza, "<item");
    return stanza_is(stanza, "presence", "unavailable") && item != NULL &&
           !stanza_has_status(stanza, 303) && !stanza_has_status(stanza, 110) &&
           stanza_attribute(item, "nick", value, sizeof(value));
}

static int word(const char *text, const char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return MODEL_WRONG;
}

static int read_look(const char *stanza)
{
    if (strstr(stanza, "<show>away<") != NULL)
        return 1;
    if (strstr(stanza, "<show>dnd<") != NULL)
        return 3;
    return strstr(stanza, "<priority>5<") != NULL ? 2 : 0;
}

/* False: an item without sense, or items that do not agree. */
static bool read_face(const char *stanza, struct picture_face *face)
{
    static const char *const roles[] = {"none", "visitor", "participant", "moderator"};
    static const char *const ranks[] = {"outcast", "none", "member", "admin", "owner"};
    struct picture_face read = {.known = true, .look = read_look(stanza)};
    char value[200];
    bool first = true;
    for (const char *at = stanza; (at = strstr(at, "<item")) != NULL; at++) {
        (void)stanza_attribute(at, "role", value, sizeof(value));
        read.role = word(value, roles, 4);
        (void)stanza_attribute(at, "affiliation", value, sizeof(value));
        read.affiliation = word(value, ranks, 5);
        if (read.role < 0 || read.affiliation < 0)
            return false;
        if (!first && (read.role != face->role || read.affiliation != face->affiliation))
            return false;
        if (stanza_attribute(at, "jid", value, sizeof(value))) {
            int client = cast_client_named(value);
            if (client == CAST_NOBODY || (read.clients & 1u << client) != 0)
                return false;
            read.clients |= 1u << client;
        } else if (!first) {
            return false; /* several sessions are told to who sees addresses */
        }
        *face = read;
        first = false;
    }
    return !first;
}

/* ---- believing ---- */

void picture_forget(struct picture *picture)
{
    *picture = (struct picture){.nick = MODEL_NOTHING};
}

static const char *hear_gone(struct picture *picture, const char *stanza, int nick)
{
    bool self = stanza_has_status(stanza, 110), renamed = stanza_has_status(stanza, 303);
    if (!self && !picture->faces[nick].known && !stanza_is_absent(stanza))
        return "is told that somebody goes of whom it did not know";
    picture->faces[nick].known = false;
    if (self && !renamed) {
        picture_forget(picture);
        picture->left = true;
    }
    return NULL;
}

static const char *hear_presence(struct picture *picture, const char *stanza, bool asked)
{
    struct picture_face face = {.known = false};
    int nick = stanza_nick(stanza);
    bool gone = stanza_is(stanza, "presence", "unavailable");
    bool self = stanza_has_status(stanza, 110);

    if (nick == MODEL_NOTHING || (gone && strstr(stanza, "<item") == NULL))
        return "is sent presence of nobody";
    if (gone)
        return hear_gone(picture, stanza, nick);
    if (!read_face(stanza, &face))
        return "is sent presence with wrong items";
    if (asked && !self)
        return NULL;
    picture->faces[nick] = face;
    if (!self)
        return NULL;
    picture->inside = true;
    picture->nick = nick;
    return NULL;
}

const char *picture_hear(struct picture *picture, const char *stanza, bool asked)
{
    bool presence = strncmp(stanza, "<presence", 9) == 0;
    if (picture->left && (presence || stanza_is(stanza, "message", "groupchat")))
        return "is told something after it was told that it is outside";
    if (stanza_is(stanza, "message", "groupchat"))
        return picture->inside ? NULL : "is outside and hears what is said inside";
    if (!presence || stanza_is(stanza, "presence", "error"))
        return NULL;
    return hear_presence(picture, stanza, asked);
}

/* ---- comparing ---- */

static unsigned clients_of(const struct model_occupant *occupant)
{
    unsigned clients = 0;
    for (unsigned s = 0; s < occupant->count; s++)
        clients |= 1u << occupant->sessions[s].client;
    return clients;
}

static const char *compare_face(const struct picture_face *face, const struct model *model,
                                const struct model_room *room, const struct model_occupant *viewer,
                                const struct model_occupant *occupant)
{
    bool addresses = viewer->account == occupant->account || model_sees_addresses(room, viewer);
    if (!face->known)
        return "does not know of";
    if (face->role != (int)occupant->role)
        return "believes in a wrong role of";
    if (face->affiliation != (int)model_affiliation(model, room, occupant->account))
        return "believes in a wrong affiliation of";
    if (viewer != occupant && face->look != model_primary(occupant)->look)
        return "sees the wrong show of";
    /* After a change of who sees addresses nobody's presence is sent again (13.8). */
    if (!room->eyes_changed && face->clients != (addresses ? clients_of(occupant) : 0))
        return addresses ? "knows wrong addresses of" : "knows an address of";
    return NULL;
}

const char *picture_compare(const struct picture *picture, const struct model *model,
                            struct model_room *room, int client, const char **about)
{
    const struct model_occupant *self = model_inside(room, client);
    unsigned known = 0, expected = 0;

    *about = "itself";
    if (picture->inside != (self != NULL))
        return self != NULL ? "does not know it is inside:" : "believes to be inside:";
    if (self == NULL)
        return NULL;
    if (picture->nick != self->nick)
        return "has a wrong idea of its nickname:";
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account == CAST_NOBODY || !model_sees(room, self, occupant))
            continue;
        expected++;
        *about = cast_nicks[occupant->nick].text;
        const char *wrong =
            compare_face(&picture->faces[occupant->nick], model, room, self, occupant);
        if (wrong != NULL)
            return wrong;
    }
    for (int i = 0; i < CAST_NICKS; i++)
        known += picture->faces[i].known;
    *about = "others";
    return known == expected ? NULL : "knows of more people than it may:";
}
