/*
 * Who does what next: how often which act is chosen, and by whom.
 */
#include "tests/random/talk.h"

enum chooser {
    BY_ANYBODY,
    BY_STAFF,   /* mostly by who may, or nothing but refusals would come of it */
    BY_OUTSIDE, /* the same */
};

struct chance {
    talk_act *act;
    unsigned weight;
    enum chooser chooser;
};

static const struct chance chances[] = {
    {act_join, 110, BY_OUTSIDE},      {act_join, 30, BY_ANYBODY}, /* another name */
    {act_presence, 45, BY_ANYBODY},   {act_speak, 60, BY_ANYBODY},
    {act_subject, 20, BY_ANYBODY},    {act_retract, 8, BY_ANYBODY},
    {act_moderate, 10, BY_STAFF},     {act_moderate, 3, BY_ANYBODY},
    {act_whisper, 25, BY_ANYBODY},    {act_roles, 60, BY_STAFF},
    {act_affiliations, 60, BY_STAFF}, {act_mixed_items, 4, BY_STAFF},
    {act_list, 12, BY_STAFF},         {act_list, 12, BY_ANYBODY},
    {act_configure, 40, BY_STAFF},    {act_open, 12, BY_STAFF},
    {act_staff, 8, BY_STAFF},         {act_owner_form, 3, BY_STAFF},
    {act_card, 8, BY_STAFF},          {act_cancel, 3, BY_STAFF},
    {act_destroy, 8, BY_STAFF},       {act_register, 20, BY_ANYBODY},
    {act_register, 20, BY_OUTSIDE},   {act_consent, 20, BY_STAFF},
    {act_consent, 3, BY_ANYBODY},     {act_invite, 20, BY_ANYBODY},
    {act_decline, 10, BY_ANYBODY},    {act_invite_bounces, 5, BY_OUTSIDE},
    {act_ask_voice, 10, BY_ANYBODY},  {act_grant_voice, 15, BY_STAFF},
    {act_leave, 15, BY_ANYBODY},      {act_bounce, 12, BY_ANYBODY},
    {act_vanish, 5, BY_ANYBODY},      {act_server_gone, 3, BY_ANYBODY},
    {act_time, 3, BY_ANYBODY},        {act_probe, 10, BY_ANYBODY},
    {act_ping, 8, BY_ANYBODY},        {act_query, 20, BY_ANYBODY},
    {act_answer, 15, BY_ANYBODY},     {act_nonsense, 25, BY_ANYBODY},
    {act_ask_room, 8, BY_ANYBODY},    {act_stranger, 8, BY_ANYBODY},
    {act_flood, 6, BY_ANYBODY},       {act_order, 2, BY_ANYBODY},
};

enum { CHANCES = sizeof(chances) / sizeof(chances[0]), TRIES = 6 };

static int somebody_inside(struct talk *talk, struct model_room *room)
{
    const struct model_occupant *some = &room->occupants[pick(talk, MODEL_OCCUPANTS)];
    return some->account == CAST_NOBODY ? (int)pick(talk, CAST_CLIENTS)
                                        : some->sessions[pick(talk, some->count)].client;
}

static bool suits(struct talk *talk, struct model_room *room, int client, enum chooser chooser)
{
    const struct model_occupant *self = model_inside(room, client);
    switch (chooser) {
    case BY_ANYBODY:
        return self != NULL;
    case BY_STAFF:
        return self != NULL && self->role == M_MODERATOR &&
               (rarely(talk, 3) || model_affiliation(&talk->model, room, self->account) >= M_ADMIN);
    case BY_OUTSIDE:
        return self == NULL;
    }
    return true;
}

static int choose_client(struct talk *talk, struct model_room *room, enum chooser chooser)
{
    int client = (int)pick(talk, CAST_CLIENTS);
    bool at_random = rarely(talk, 5);
    for (int i = 0; !at_random && i < TRIES && !suits(talk, room, client, chooser); i++)
        client =
            chooser == BY_OUTSIDE ? (int)pick(talk, CAST_CLIENTS) : somebody_inside(talk, room);
    return client;
}

/* It may end within talk_send(). */
static void perform(struct talk *talk, talk_act *act, int client, int room)
{
    if (setjmp(talk->over) == 0)
        act(talk, client, room);
}

void talk_do_something(struct talk *talk)
{
    unsigned sum = 0, i = 0;
    int room = rarely(talk, 4) ? 1 : 0;
    if (talk->durable && rarely(talk, 50))
        talk_restart(talk);
    for (; i < CHANCES; i++)
        sum += chances[i].weight;
    unsigned at = pick(talk, sum);
    for (i = 0; at >= chances[i].weight; i++)
        at -= chances[i].weight;
    perform(talk, chances[i].act, choose_client(talk, talk_room(talk, room), chances[i].chooser),
            room);
}
