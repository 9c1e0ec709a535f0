#include "tests/support/room_digest.h"

#include "core/muc/burial.h"
#include "core/muc/registration.h"

/* Fields one after the other, each in the key of the next. */
struct digest {
    struct hash_key key;
};

static void add_number(struct digest *digest, uint64_t number)
{
    uint64_t sum = hash_str(&digest->key, str_of((const char *)&number, sizeof(number)));
    digest->key = (struct hash_key){digest->key.k1, sum};
}

static void add_text(struct digest *digest, struct str text)
{
    add_number(digest, text.len);
    add_number(digest, text.len == 0 ? 0 : hash_str(&digest->key, text));
}

static void add_options(struct digest *digest, const struct room_options *options)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        const char *at = (const char *)options + rows[i]->offset;
        switch (rows[i]->type) {
        case OPTION_BOOL:
            add_number(digest, *(const bool *)at);
            break;
        case OPTION_TEXT:
        case OPTION_MULTI:
        case OPTION_JIDS:
        case OPTION_SECRET:
            add_text(digest, *(const struct str *)(const void *)at);
            break;
        case OPTION_NUMBER:
        case OPTION_CHOICE:
        case OPTION_SET:
            add_number(digest, *(const uint32_t *)(const void *)at);
            break;
        }
    }
}

static void add_occupants(struct digest *digest, const struct room *room)
{
    struct occupant *occupant;
    occupant_each (room, at, occupant) {
        add_text(digest, occupant_nick(occupant));
        add_text(digest, occupant->account);
        add_number(digest, (uint64_t)occupant->role);
        add_number(digest, (uint64_t)occupant->affiliation);
        add_number(digest, occupant->quiet);
        for (struct session *s = occupant->sessions; s != NULL; s = s->next) {
            add_text(digest, jid_full(s->jid));
            add_text(digest, s->payload);
            add_text(digest, session_lang(s));
            add_number(digest, (uint64_t)s->priority);
        }
    }
}

static void add_said(struct digest *digest, const struct room *room)
{
    for (uint32_t i = 0; i < room->history.count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        add_text(digest, str_of(entry->stanza_id, STANZA_ID_BYTES));
        add_number(digest, entry->retracted);
    }
    add_text(digest, room->subject.plain);
    add_number(digest, (uint64_t)room->subject.at_us);
}

static void add_accounts(struct digest *digest, const struct room *room)
{
    struct affiliate *row;
    map_each (&room->affiliations, at, row) {
        add_text(digest, row->jid);
        add_number(digest, (uint64_t)row->affiliation);
        add_text(digest, row->nick);
        add_text(digest, row->reason);
    }
    struct kept_role *kept;
    map_each (&room->roles_kept, at, kept) {
        add_text(digest, kept->jid);
        add_number(digest, (uint64_t)kept->role);
    }
    struct invited_account *invited;
    map_each (&room->invited, at, invited) {
        add_text(digest, invited->jid);
        add_text(digest, invited->by);
        add_number(digest, invited->id_hash);
    }
}

static void add_requests(struct digest *digest, const struct room *room)
{
    struct voice_request *pending;
    map_each (&room->voice_pending, at, pending) {
        add_text(digest, pending->account);
        add_text(digest, pending->jid);
    }
    struct asker *asked;
    for (uint32_t at = 0; room->asked != NULL && (asked = map_next(room->asked, &at)) != NULL;) {
        add_text(digest, asked->account);
        for (unsigned i = 0; i < ASKED_KINDS; i++)
            add_number(digest, (uint64_t)asked->at_us[i]);
    }
    struct registration *registration;
    map_each (&room->registrations, at, registration) {
        add_text(digest, registration->account);
        add_text(digest, registration->nick);
    }
    const struct burial *burial;
    for (uint32_t at = 0; (burial = burial_next(room, &at)) != NULL;)
        add_text(digest, burial_key(burial));
}

uint64_t room_digest(const struct room *room)
{
    struct digest digest = {{1, 2}};
    add_number(&digest, (uint64_t)room->state);
    add_text(&digest, str_of((const char *)room->secret, sizeof(room->secret)));
    add_text(&digest, room->creator);
    add_options(&digest, &room->options);
    add_occupants(&digest, room);
    add_said(&digest, room);
    add_accounts(&digest, room);
    add_requests(&digest, room);
    add_text(&digest, room->card == NULL ? STR_NONE : room->card->xml);
    if (room->tombstone != NULL) {
        add_text(&digest, room->tombstone->alternate);
        add_text(&digest, room->tombstone->reason);
        add_number(&digest, (uint64_t)room->tombstone->until_us);
    }
    return digest.key.k1;
}
