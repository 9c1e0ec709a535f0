/*
 * What was asked for and what became of it.
 */
#include "tests/sim/checkers.h"

#include "tests/sim/sim.h"

#include <string.h>

static const char *name_of(unsigned reg)
{
    if (reg == REG_TITLE)
        return "the title";
    if (reg == REG_SUBJECT)
        return "the subject";
    return reg < CAST_GUESTS ? cast_guests[reg] : cast_accounts[reg - CAST_GUESTS];
}

void promise_seen(struct checkers *checkers, unsigned number)
{
    const struct sent *sent = &checkers->sent[number];
    struct reg *reg = &checkers->rooms[sent->room].regs[sent->reg];
    if (sent->reg == REG_NONE || number <= reg->since)
        return;
    *reg = (struct reg){.since = number, .value = sent->value};
}

/* The store was in trouble since, the process is about to end, or its sender was on the way out. */
static bool has_reason(const struct checkers *checkers, const struct sent *sent, const char *error)
{
    const struct sim *sim = checkers->sim;
    bool of_store = strstr(error, "<internal-server-error ") != NULL ||
                    strstr(error, "<resource-constraint ") != NULL;
    /* Too many questions to the archive at a time, or lanes that have enough to do. */
    if (strstr(error, "<resource-constraint ") != NULL && sent->kind == SENT_IQ &&
        sent->reg == REG_NONE && strstr(error, "type='wait'") != NULL)
        return true;
    /* The archive is asked again if the room has changed meanwhile, and who asked may have, too. */
    if (strstr(error, "<forbidden ") != NULL && sent->kind == SENT_IQ && sent->reg == REG_NONE)
        return true;
    /* A link brings more than the shard takes. */
    if (sim->world.wired && sent->user < CAST_LOCAL &&
        strstr(error, ">The service is busy; try again in a moment<") != NULL)
        return true;
    if (of_store)
        return (sim->ending || sent->failures != sim->world.store.failures) &&
               strstr(error, "type='wait'") != NULL;
    return !sent->sure || sent->doubtful || checkers->seats[sent->user][sent->room].disturbed ||
           checkers->seats[sent->user][sent->room].unsure;
}

void promise_answered(struct checkers *checkers, unsigned number, bool refused, const char *stanza)
{
    struct sent *sent = &checkers->sent[number];
    if (number == 0)
        return;
    if (number > checkers->sent_count)
        sim_fail(checkers->sim, "an answer to nothing: %s", stanza);
    if (sent->state == SENT_VOID)
        return;
    if (sent->state != SENT_OPEN)
        sim_fail(checkers->sim, "s%u is answered twice: %s", number, stanza);
    if (refused && !has_reason(checkers, sent, stanza))
        sim_fail(checkers->sim, "an error without a reason: %s", stanza);
    sent->state = refused ? SENT_REFUSED : SENT_DONE;
    if (refused)
        checkers->refused++;
    else
        checkers->answered++;
    if (!refused)
        promise_seen(checkers, number);
    if (!refused && sent->buries >= 0 && sent->room == CAST_STEADY &&
        !checkers->heard[sent->buries].buried && checkers->heard[sent->buries].archived &&
        sent->kind == SENT_IQ)
        sim_fail(checkers->sim, "s%u says that a message is taken back, and it is not", number);
}

static bool may_have(const struct checkers *checkers, int room, unsigned reg, int value)
{
    const struct reg *known = &checkers->rooms[room].regs[reg];
    if (known->unknown || known->value == value)
        return true;
    for (unsigned i = known->since + 1; i <= checkers->sent_count; i++) {
        const struct sent *sent = &checkers->sent[i];
        if (sent->room == room && sent->reg == reg && sent->value == value &&
            sent->state != SENT_REFUSED)
            return true;
    }
    return false;
}

void promise_check(struct checkers *checkers, int room, unsigned reg, int value, const char *where)
{
    struct reg *known = &checkers->rooms[room].regs[reg];
    if (!may_have(checkers, room, reg, value))
        sim_fail(checkers->sim, "%s: %s is %d %s, but %d was acknowledged by s%u", cast_rooms[room],
                 name_of(reg), value, where, known->value, known->since);
    *known = (struct reg){.since = checkers->sent_count, .value = value};
}

void promises_settled(struct checkers *checkers)
{
    for (unsigned i = 1; i <= checkers->sent_count; i++) {
        struct sent *sent = &checkers->sent[i];
        if (sent->state != SENT_OPEN)
            continue;
        const struct seat_of *seat = &checkers->seats[sent->user][sent->room];
        bool expected = sent->kind == SENT_IQ || (sent->sure && !seat->disturbed);
        if (sent->kind != SENT_QUIET && sent->kind != SENT_JOIN && expected && !seat->unsure)
            sim_fail(checkers->sim, "s%u was neither answered nor seen", i);
        sent->state = SENT_VOID;
    }
}

void promises_void(struct checkers *checkers)
{
    for (unsigned i = 1; i <= checkers->sent_count; i++)
        if (checkers->sent[i].state == SENT_OPEN)
            checkers->sent[i].state = SENT_VOID;
}
