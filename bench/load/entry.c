/*
 * The part of the ledger that is about entering: the list of those inside, the own presence behind
 * it, history, and the subject as the end of it.
 */
#include "bench/load/ledger.h"

#include "bench/load/util.h"

#include <stdlib.h>

void ledger_enter(struct ledger *ledger, uint32_t number, uint64_t now)
{
    struct user *user = &ledger->users[number];
    struct room *room = &ledger->rooms[user->room];
    user->state = USER_ENTERING;
    user->entered_ns = now;
    user->prior = room->present++;
}

/* Sees that the list before the own presence was what it had to be. */
static void seat(struct ledger *ledger, uint32_t number, struct span text)
{
    struct user *user = &ledger->users[number];
    const struct room *room = &ledger->rooms[user->room];
    bool back = user->entry != NUMBER_NONE;
    uint32_t before = back ? room->occupants - 1 : user->prior;
    if (!ledger->presences_shown)
        before = 0;
    if ((back || ledger->ordered) && user->listed < before) {
        ledger->faults.misses += before - user->listed;
        ledger_error(ledger, "own presence before the list is complete", text);
    }
    if ((back || ledger->ordered) && user->listed > before) {
        ledger->faults.duplicates += user->listed - before;
        ledger_error(ledger, "own presence behind a list that is too long", text);
    }
    uint64_t all = room->fingerprints - ledger_fingerprint(number);
    if (back && ledger->presences_shown && user->listed == before && user->who != all)
        ledger_error(ledger, "own presence behind a list of others than those inside", text);
    user->prior = user->listed;
    user->state = USER_SEATED;
}

static void list(struct ledger *ledger, const struct seen *seen)
{
    struct user *user = &ledger->users[seen->to];
    user->listed++;
    user->who += ledger_fingerprint(seen->nick);
    ledger->presences++;
}

/* A presence from the room's bare address: ejabberd tells its capabilities so, to who enters, and
 * that it is gone, to who leaves. It is no delivery; where no such thing is sent it is a fault. */
static void room_itself(struct ledger *ledger, struct span text)
{
    if (ledger->rooms_speak)
        ledger->received--;
    else
        ledger_error(ledger, "presence of the room itself", text);
}

void ledger_here(struct ledger *ledger, const struct seen *seen, struct span text)
{
    struct user *user = &ledger->users[seen->to];
    if (seen->nick == NUMBER_NONE) {
        room_itself(ledger, text);
        return;
    }
    if (user->state == USER_OUT) {
        ledger_error(ledger, "presence for one who is not in the room", text);
        return;
    }
    bool own = seen->nick == seen->to;
    if (own != seen->self) {
        ledger_error(ledger, own ? "own presence without status 110" : "status 110 for another",
                     text);
        return;
    }
    bool entering = user->state == USER_ENTERING;
    if (own && entering)
        seat(ledger, seen->to, text);
    else if (own && seen->mark == NUMBER_NONE)
        ledger_error(ledger, "own presence a second time", text);
    if (!own && (entering || seen->mark == NUMBER_NONE))
        list(ledger, seen);
    else if (seen->mark != NUMBER_NONE)
        ledger_copy(ledger, seen, text);
}

void ledger_gone(struct ledger *ledger, const struct seen *seen, struct span text)
{
    if (seen->nick == NUMBER_NONE) {
        room_itself(ledger, text);
        return;
    }
    if (seen->nick >= ledger->user_count) {
        ledger_error(ledger, "a stranger left", text);
        return;
    }
    if (ledger->users[seen->nick].slow) {
        ledger->removed += seen->to == ledger->rooms[seen->room].first;
        return;
    }
    /* The status of one who leaves is not for everybody to see: his going tells which it is. */
    struct seen gone = *seen;
    if (gone.mark == NUMBER_NONE)
        gone.mark = ledger->users[seen->nick].leaving;
    if (gone.mark == NUMBER_NONE) {
        ledger_error(ledger, "left without having asked to", text);
        return;
    }
    ledger_copy(ledger, &gone, text);
    if (seen->nick != seen->to)
        return;
    struct user *user = &ledger->users[seen->to];
    ledger->entered -= user->state == USER_IN;
    user->state = USER_ENTERING; /* who leaves has asked to come back */
    user->listed = 0;
    user->who = 0;
    user->history = 0;
}

void ledger_past(struct ledger *ledger, const struct seen *seen, struct span text)
{
    struct user *user = &ledger->users[seen->to];
    const struct room *room = &ledger->rooms[user->room];
    if (user->state != USER_SEATED) {
        ledger_error(ledger, "history for one who does not enter", text);
        return;
    }
    uint32_t due = ledger->history < room->messages ? ledger->history : room->messages;
    if (user->history >= due) {
        ledger_error(ledger, "more history than asked for", text);
        return;
    }
    uint32_t wanted = room->recent[(room->messages - due + user->history++) % RECENT_MAX];
    if (seen->mark != wanted)
        ledger_error(ledger, "history out of order or with gaps", text);
}

void ledger_subject(struct ledger *ledger, const struct seen *seen, struct span text)
{
    ledger_settle(ledger);
    struct user *user = &ledger->users[seen->to];
    const struct room *room = &ledger->rooms[user->room];
    if (user->state != USER_SEATED) {
        ledger_error(ledger, "subject before the own presence, or a second time", text);
        return;
    }
    uint32_t due = ledger->history < room->messages ? ledger->history : room->messages;
    if (user->history != due) {
        ledger->faults.misses += due - user->history;
        ledger_error(ledger, "subject before the history was complete", text);
    }
    user->state = USER_IN;
    ledger->entered++;
    if (user->entry == NUMBER_NONE) {
        hist_add(&ledger->entry_time, ledger->now_ns - user->entered_ns, 1);
        return;
    }
    struct mark *mark = &ledger->marks[user->entry & ledger->mark_mask];
    if (mark->number == user->entry)
        ledger_copies_came(ledger, mark, 1);
}

uint64_t ledger_entries_expected(const struct ledger *ledger)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; ledger->presences_shown && i < ledger->room_count; i++) {
        uint64_t occupants = ledger->rooms[i].occupants;
        sum += occupants * (occupants - 1);
    }
    return sum;
}

/* In a room where order is not known before, the lists of those who enter have all lengths once. */
static void check_lengths(struct ledger *ledger, const struct room *room)
{
    bool *taken = must_alloc(room->occupants);
    for (uint32_t i = 0; i < room->occupants; i++) {
        uint32_t length = ledger->users[room->first + i].prior;
        if (length >= room->occupants || taken[length])
            ledger_error(ledger, "two who entered were told the same number inside",
                         (struct span){"", 0});
        else
            taken[length] = true;
    }
    free(taken);
}

void ledger_check_entries(struct ledger *ledger)
{
    struct span none = {"", 0};
    for (uint32_t i = 0; i < ledger->user_count; i++) {
        const struct user *user = &ledger->users[i];
        const struct room *room = &ledger->rooms[user->room];
        uint32_t others = ledger->presences_shown ? room->occupants - 1 : 0;
        ledger->faults.misses += user->state != USER_IN;
        if (user->listed < others)
            ledger->faults.misses += others - user->listed;
        else if (user->listed > others)
            ledger->faults.duplicates += user->listed - others;
        else if (others > 0 && user->who != room->fingerprints - ledger_fingerprint(i))
            ledger_error(ledger, "presences of others than those inside", none);
    }
    if (faults_any(&ledger->faults) || !ledger->presences_shown)
        return;
    for (uint32_t i = 0; i < ledger->room_count; i++)
        check_lengths(ledger, &ledger->rooms[i]);
}
