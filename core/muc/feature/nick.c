/*
 * Nicknames: who may have which, and changing them. The old name's presence says where it went, the
 * new one follows at once; role, affiliation and everything else stay. One session of several that
 * changes its nickname goes alone; one that takes the name of another session of its account joins
 * it.
 * @xep 0045 1.35.5 #changenick #enter-conflict #enter-pres.locked-nick #register.enforced
 * @xep 0045 1.35.5 #reservednick.taken #reservednick.another
 */
#include "core/muc/arrival.h"
#include "core/muc/feature.h"
#include "core/muc/rate.h"

#include "core/xmpp/prep.h"

/* Rooms knew on and off before there was a choice. */
static const struct option_choice reserved_nick[] = {
    {"off", "May ask for any other", RESERVED_NICK_FREE, false},
    {"rewrite", "Is given it, whatever was asked for", RESERVED_NICK_REWRITE, false},
    {"refuse", "Has to ask for it", RESERVED_NICK_REFUSE, false},
    {"on", NULL, RESERVED_NICK_REWRITE, true},
    {"1", NULL, RESERVED_NICK_REWRITE, true},
    {"true", NULL, RESERVED_NICK_REWRITE, true},
    {"0", NULL, RESERVED_NICK_FREE, true},
    {"false", NULL, RESERVED_NICK_FREE, true},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_VISITOR_NICK_CHANGE,
        .name = "visitor_nick_change",
        .field = "muc#roomconfig_allowvisitornickchange",
        .aliases = {"allow_visitor_nickchange"},
        .label = "Visitors may change their nickname",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, visitor_nick_change),
        .preset = "on",
        .help = "visitors may change their nickname while inside",
    },
    {
        .id = OPTION_ID_RESERVED_NICK_ONLY,
        .name = "reserved_nick_only",
        .field = "x-reserved_nick_only",
        .aliases = {"reserved_nick_only"},
        .label = "Who has a reserved nickname ...",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, reserved_nick_only),
        .choices = reserved_nick,
        .choice_count = ARRAY_LEN(reserved_nick),
        .preset = "off",
        .help = "who has a reserved nickname: off (may use another), rewrite (is given it, "
                "whatever was asked for) or refuse (has to ask for it)",
    },
    {
        .id = OPTION_ID_MANY_SESSIONS,
        .name = "many_sessions",
        .field = "x-allow_many_sessions",
        .aliases = {"allow_multisessions", "muc#roomconfig_allowmultisessions"},
        .label = "Several clients of one account may have the same nickname",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, many_sessions),
        .preset = "on",
        .help = "several clients of one account may enter under the same nickname",
    },
};

static bool reserved_by_another(const struct room *room, const struct entry *entry)
{
    const struct affiliate *owner = room_nick_owner(room, entry->nick_key);
    return owner != NULL && !str_eq(owner->jid, jid_bare(entry->in->from));
}

/* The nickname the account has to use, or STR_NONE. */
static struct str forced_nick(const struct room *room, const struct entry *entry)
{
    if (room->options.reserved_nick_only == RESERVED_NICK_FREE)
        return STR_NONE;
    const struct affiliate *mine = room_affiliate(room, jid_bare(entry->in->from));
    return mine != NULL && !str_empty(mine->nick) ? mine->nick : STR_NONE;
}

/* By another account; by another client of the same, where that is not wanted. */
static bool taken(const struct room *room, const struct entry *entry)
{
    const struct occupant *holder = entry->existing;
    if (holder == NULL || holder == entry->in->self)
        return false;
    return !room->options.many_sessions || !str_eq(holder->account, jid_bare(entry->in->from));
}

static void rewrite(const struct room *room, struct step *step, struct entry *entry,
                    struct str nick)
{
    if (str_eq(nick, entry->nick))
        return;
    entry->nick = nick;
    entry->nick_key = prep_nick_key(step->arena, nick);
    entry->existing = occupant_by_nick(room, entry->nick_key);
    entry->rewritten = true;
}

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    if (!room_exists(room))
        return NULL;
    if (reserved_by_another(room, entry))
        return &refusal_NICK_RESERVED;
    struct str forced = forced_nick(room, entry);
    if (room->options.reserved_nick_only == RESERVED_NICK_REFUSE && str_present(forced) &&
        !str_eq(prep_nick_key(step->arena, forced), entry->nick_key))
        return &refusal_NICK_FORCED;
    if (str_present(forced))
        rewrite(room, step, entry, forced);
    if (taken(room, entry))
        return &refusal_NICK_TAKEN;
    if (entry->existing != NULL)
        rewrite(room, step, entry,
                occupant_nick(entry->existing)); /* one spelling for all its sessions */
    entry->rewritten = !str_eq(entry->nick, entry->in->nick);
    return NULL;
}

static unsigned nicks_of(const struct room *room, struct str account)
{
    unsigned count = 0;
    for (struct occupant *o = occupant_by_account(room, account); o != NULL; o = o->same_account)
        count++;
    return count;
}

static const struct refusal *may_change(struct room *room, struct step *step, struct entry *entry)
{
    const struct occupant *self = entry->in->self;
    if (self->role == ROLE_VISITOR && !room->options.visitor_nick_change)
        return &refusal_NICK_CHANGE_DENIED;
    if (reserved_by_another(room, entry))
        return &refusal_NICK_RESERVED;
    struct str forced = forced_nick(room, entry);
    if (str_present(forced) && !str_eq(forced, entry->nick))
        return &refusal_NICK_FORCED;
    if (taken(room, entry))
        return &refusal_NICK_TAKEN;
    if (entry->existing == NULL && self->session_count > 1) {
        if (room_is_full(room, self->affiliation))
            return &refusal_FULL;
        if (nicks_of(room, self->account) >= ROOM_NICKS_PER_ACCOUNT)
            return &refusal_TOO_MANY_SESSIONS;
    }
    if (entry->existing != NULL && entry->existing != self) {
        if (entry->existing->session_count >= ROOM_SESSIONS_PER_NICK)
            return &refusal_TOO_MANY_SESSIONS;
        rewrite(room, step, entry, occupant_nick(entry->existing));
    }
    return NULL;
}

/* One of its sessions went another way. All are told, also those to whom it looks the same: for the
 * one that went, whose last news of this nickname was its end, it is somebody else from now on. */
static void show_rest(struct room *room, struct step *step, const struct occupant *occupant)
{
    presence_to_self(room, step, occupant, NULL, NULL);
    presence_to_others(room, step, occupant, NULL);
}

static void tell_moved(struct room *room, struct step *step, const struct entry *entry)
{
    struct news moved = {
        .unavailable = true,
        .statuses = STATUS_BIT(303),
        .new_nick = entry->nick,
        .only = entry->in->session,
    };
    presence_to_self(room, step, entry->in->self, entry->in->session, &moved);
}

static void rename_whole(struct room *room, struct step *step, const struct entry *entry)
{
    struct news gone = {
        .unavailable = true,
        .statuses = STATUS_BIT(303),
        .new_nick = entry->nick,
        .urgency = URGENCY_LASTING,
    };
    presence_announce(room, step, entry->in->self, &gone);
    occupant_rename(room, entry->in->self, entry->nick, entry->nick_key);
}

/* The session leaves its fellows behind and is an occupant of its own. */
static void split(struct room *room, struct step *step, const struct entry *entry)
{
    struct occupant *old = entry->in->self;
    struct session *session = entry->in->session;
    tell_moved(room, step, entry);
    struct occupant *fresh =
        occupant_seat(room, entry->nick, entry->nick_key, jid_to_bare(step->arena, session->jid),
                      old->affiliation, old->role);
    (void)session_move(room, session, fresh);
    show_rest(room, step, old);
}

/* The two need not have the same role: the session sees with the eyes of the one it joins. */
static void merge(struct room *room, struct step *step, const struct entry *entry)
{
    struct occupant *old = entry->in->self;
    enum role before = old->role;
    tell_moved(room, step, entry);
    if (old->session_count == 1) {
        struct news gone = {.unavailable = true};
        presence_to_others(room, step, old, &gone);
    }
    if (!session_move(room, entry->in->session, entry->existing))
        show_rest(room, step, old);
    presence_eyes_changed(room, step, entry->in->session, before);
}

/* `seen`: of what it shows others see something, or do no more. */
static void show_to_others(struct room *room, struct step *step, const struct session *session,
                           bool renamed, bool seen)
{
    const struct occupant *occupant = session->occupant;
    for (const struct session *other = occupant->sessions; other != NULL; other = other->next)
        if (other != session)
            presence_to_self(room, step, occupant, other, NULL);
    struct news news = {.urgency = renamed ? URGENCY_LASTING : URGENCY_PROMPT};
    if (renamed || occupant->session_count == 1)
        presence_to_others(room, step, occupant, &news);
    else
        presence_sessions_changed(room, step, occupant, seen, news.urgency);
}

/* With <x xmlns=muc/> it wants to be shown everything again under its new name. */
static void show(struct room *room, struct step *step, const struct entry *entry, bool renamed,
                 bool changed)
{
    struct session *session = entry->in->session;
    uint32_t statuses = entry->rewritten ? STATUS_BIT(210) : 0;
    bool seen = changed || occupant_primary(session->occupant) == session;
    show_to_others(room, step, session, renamed, seen);
    if (entry->x != NULL) {
        seat_session_shown(room, step, session, entry->in, entry->x, statuses, false);
        return;
    }
    struct news news = {.self_statuses = statuses, .id = entry->in->id, .id_for = session};
    presence_to_self(room, step, session->occupant, session, &news);
}

/* True: the session goes by itself, to another occupant or to be one. */
static bool move(struct room *room, struct step *step, const struct entry *entry)
{
    const struct occupant *self = entry->in->self;
    /* A change of case alone takes all sessions along: the two would be one nickname. */
    bool joins_other = entry->existing != NULL && entry->existing != self;
    bool alone = entry->existing == NULL && self->session_count > 1;
    if (joins_other)
        merge(room, step, entry);
    else if (alone)
        split(room, step, entry);
    else
        rename_whole(room, step, entry);
    return joins_other || alone;
}

static enum step_outcome change_nick(struct room *room, struct step *step, const struct inbound *in)
{
    struct entry entry = {.in = in, .x = node_find(in->root, NAME_X, NS_MUC)};
    struct arrival arrival;
    const struct refusal *refusal = entry_read_nick(room, step, &entry);
    /* It calls itself by what it asked for when it came, and was given less of. */
    bool stays = refusal == NULL && str_eq(entry.nick, occupant_nick(in->self));
    if (refusal == NULL && !stays)
        refusal = may_change(room, step, &entry);
    if (refusal == NULL && !arrival_read(room, step, in, in->self->role, &arrival))
        refusal = &refusal_PRESENCE_TOO_LARGE;
    if (refusal == NULL)
        refusal = rate_refuses(room, step, in);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    bool renamed = !stays && !move(room, step, &entry);
    bool changed = arrival_apply(room, in->session, &arrival);
    show(room, step, &entry, renamed, changed);
    return STEP_DONE;
}

static bool other_nick(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return in->session != NULL && !str_eq(in->nick, occupant_nick(in->self));
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_AVAILABLE,
        .match = other_nick,
        .run = change_nick,
    },
};

const struct feature feature_nick = {
    .name = "nick",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .may_enter = may_enter,
};
