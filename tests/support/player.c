#include "tests/support/player.h"

#include "tests/support/match.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct arrival {
    struct arrival *next;
    char *stanza;
};

struct seat {
    struct arrival *first; /* the inbox */
    struct arrival *last;
    char *bare;
    char *full;      /* NULL before it has connected for the first time */
    char *stanza_id; /* of what a `receives` took last; NULL: it had none */
    char *lost;      /* why the connection ended, if it did so by itself */
    bool connected;
};

struct player {
    const struct script *script;
    const struct player_stage *stage;
    struct seat *seats;
    int turn;          /* who acted last, or -1 */
    int64_t pumped_ms; /* ever */
    struct match_values named;
};

/* ---- inboxes ---- */

static void *sure(void *allocated)
{
    if (allocated == NULL)
        abort();
    return allocated;
}

static char *inbox_take(struct seat *seat)
{
    struct arrival *arrival = seat->first;
    if (arrival == NULL)
        return NULL;
    seat->first = arrival->next;
    if (seat->first == NULL)
        seat->last = NULL;
    char *stanza = arrival->stanza;
    free(arrival);
    return stanza;
}

static void inbox_clear(struct seat *seat)
{
    for (char *stanza = inbox_take(seat); stanza != NULL; stanza = inbox_take(seat))
        free(stanza);
}

void player_deliver(struct player *player, unsigned client, const char *stanza)
{
    struct seat *seat = &player->seats[client];
    struct arrival *arrival = sure(calloc(1, sizeof(*arrival)));
    arrival->stanza = sure(strdup(stanza));
    if (seat->last == NULL)
        seat->first = arrival;
    else
        seat->last->next = arrival;
    seat->last = arrival;
}

void player_lost(struct player *player, unsigned client, const char *why)
{
    struct seat *seat = &player->seats[client];
    free(seat->lost);
    seat->lost = sure(strdup(why));
    seat->connected = false;
}

/* ---- the player ---- */

static char *bare_of(const char *jid)
{
    return sure(strndup(jid, strcspn(jid, "/")));
}

struct player *player_new(const struct script *script, const struct player_stage *stage)
{
    struct player *player = sure(calloc(1, sizeof(*player)));
    player->script = script;
    player->stage = stage;
    player->seats = sure(calloc(script->client_count, sizeof(player->seats[0])));
    for (unsigned i = 0; i < script->client_count; i++)
        player->seats[i].bare = bare_of(script->clients[i].jid);
    player->turn = -1;
    return player;
}

void player_free(struct player *player)
{
    if (player == NULL)
        return;
    for (unsigned i = 0; i < player->script->client_count; i++) {
        inbox_clear(&player->seats[i]);
        free(player->seats[i].bare);
        free(player->seats[i].full);
        free(player->seats[i].stanza_id);
        free(player->seats[i].lost);
    }
    match_values_free(&player->named);
    free(player->seats);
    free(player);
}

static const char *bare_jid(const void *self, unsigned client)
{
    const struct player *player = self;
    return player->seats[client].bare;
}

static const char *full_jid(const void *self, unsigned client)
{
    const struct player *player = self;
    return player->seats[client].full;
}

static const char *stanza_id(const void *self, unsigned client)
{
    const struct player *player = self;
    return player->seats[client].stanza_id;
}

static const char *named(const void *self, const char *name, size_t name_len)
{
    const struct player *player = self;
    for (unsigned i = 0; i < player->named.count; i++) {
        const struct match_value *value = &player->named.at[i];
        if (strlen(value->name) == name_len && memcmp(value->name, name, name_len) == 0)
            return value->text;
    }
    return NULL;
}

/* What is received may give things a name. */
static char *expanded(const struct player *player, const char *text, bool received, char **problem)
{
    const struct script_addresses addresses = {bare_jid, full_jid, stanza_id,
                                               named,    player,   received};
    return script_expand(player->script, text, &addresses, problem);
}

static int64_t now_ms(const struct player *player)
{
    if (player->stage->pump_is_clock)
        return player->pumped_ms;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pump(struct player *player, int64_t ms)
{
    player->stage->pump(player->stage->self, (unsigned)ms);
    player->pumped_ms += ms;
}

static void pump_for(struct player *player, unsigned ms)
{
    if (ms == 0)
        return;
    int64_t until = now_ms(player) + ms;
    for (int64_t left = ms; left > 0; left = until - now_ms(player))
        pump(player, left);
}

/* The next stanza of the inbox, waited for until `until`; NULL: none came. */
static char *await_stanza(struct player *player, struct seat *seat, int64_t until)
{
    while (seat->first == NULL && seat->lost == NULL) {
        int64_t left = player->stage->receive_ms == 0 ? 0 : until - now_ms(player);
        if (left <= 0)
            return NULL;
        pump(player, left);
    }
    return inbox_take(seat);
}

/* ---- the steps ---- */

static bool step_failed(const struct player *player, const struct script_step *step, FILE *report,
                        const char *why)
{
    fprintf(report, "%s:%u: %s %s\n  %s\n", player->script->path, step->line,
            script_actor(player->script, step), script_verb_text(step->verb), why);
    return false;
}

static void report_lost(const struct seat *seat, FILE *report)
{
    if (seat->lost != NULL)
        fprintf(report, "  the connection has ended: %s\n", seat->lost);
}

static bool play_connect(struct player *player, const struct script_step *step, FILE *report)
{
    struct seat *seat = &player->seats[step->client];
    if (seat->connected)
        return step_failed(player, step, report, "but is connected already");
    free(seat->full);
    free(seat->lost);
    seat->full = NULL;
    seat->lost = NULL;
    inbox_clear(seat);
    char *problem = NULL;
    seat->connected =
        player->stage->connect(player->stage->self, step->client, &seat->full, &problem);
    if (!seat->connected)
        step_failed(player, step, report, problem);
    free(problem);
    return seat->connected;
}

static bool play_disconnect(struct player *player, const struct script_step *step, FILE *report)
{
    struct seat *seat = &player->seats[step->client];
    if (!seat->connected) {
        step_failed(player, step, report, "but is not connected");
        report_lost(seat, report);
        return false;
    }
    char *problem = NULL;
    bool good = player->stage->disconnect(player->stage->self, step->client, &problem);
    if (!good)
        step_failed(player, step, report, problem);
    seat->connected = false;
    free(problem);
    return good;
}

static bool play_send(struct player *player, const struct script_step *step, FILE *report)
{
    struct seat *seat = &player->seats[step->client];
    if (!seat->connected) {
        step_failed(player, step, report, "but is not connected");
        report_lost(seat, report);
        return false;
    }
    char *problem = NULL;
    char *text = expanded(player, step->stanza, false, &problem);
    char *stanza = text == NULL ? NULL : match_outgoing(text, &problem);
    bool good =
        stanza != NULL && player->stage->send(player->stage->self, step->client, stanza, &problem);
    if (!good)
        step_failed(player, step, report, problem);
    free(text);
    free(stanza);
    free(problem);
    return good;
}

/* Takes the values. */
static void remember(struct player *player, struct seat *seat, const char *came,
                     struct match_values *values)
{
    struct match_values *known = &player->named;
    free(seat->stanza_id);
    seat->stanza_id = match_stanza_id(came);
    if (values->count > 0) {
        known->at = sure(realloc(known->at, (known->count + values->count) * sizeof(known->at[0])));
        memcpy(&known->at[known->count], values->at, values->count * sizeof(values->at[0]));
        known->count += values->count;
    }
    free(values->at);
}

/* Collects what was passed over, so that a failure can show all of it. */
static bool receive(struct player *player, const struct script_step *step, const char *expected,
                    FILE *passed)
{
    struct seat *seat = &player->seats[step->client];
    int64_t until = now_ms(player) + player->stage->receive_ms;
    for (char *came = await_stanza(player, seat, until); came != NULL;
         came = await_stanza(player, seat, until)) {
        struct match_values values = {0};
        char *difference = match_with_values(expected, came, player->stage->reordered, &values);
        if (difference != NULL)
            fprintf(passed, "    %s\n      (%s)\n", came, difference);
        else
            remember(player, seat, came, &values);
        free(came);
        if (difference == NULL)
            return true;
        match_values_free(&values);
        free(difference);
        if (step->verb == SCRIPT_RECEIVES_NEXT)
            return false;
    }
    return false;
}

static bool play_receive(struct player *player, const struct script_step *step, FILE *report)
{
    char *problem = NULL;
    char *expected = expanded(player, step->stanza, true, &problem);
    if (expected == NULL) {
        step_failed(player, step, report, problem);
        free(problem);
        return false;
    }
    char *passed = NULL;
    size_t passed_size = 0;
    FILE *memory = sure(open_memstream(&passed, &passed_size));
    bool good = receive(player, step, expected, memory);
    if (fclose(memory) != 0)
        abort();
    if (!good) {
        step_failed(player, step, report, "expected:");
        fprintf(report, "%s", expected);
        fprintf(report, "  came%s\n%s",
                passed_size == 0 ? ": nothing" : ", and was passed over:", passed);
        report_lost(&player->seats[step->client], report);
    }
    free(passed);
    free(expected);
    return good;
}

static bool play_nothing(struct player *player, const struct script_step *step, FILE *report)
{
    struct seat *seat = &player->seats[step->client];
    pump_for(player, player->stage->quiet_ms);
    if (seat->lost != NULL) {
        step_failed(player, step, report, "but was thrown out");
        report_lost(seat, report);
        return false;
    }
    if (seat->first == NULL)
        return true;
    step_failed(player, step, report, "but there came:");
    for (char *came = inbox_take(seat); came != NULL; came = inbox_take(seat)) {
        fprintf(report, "    %s\n", came);
        free(came);
    }
    return false;
}

/* What the clients have sent is to arrive before it. */
static bool play_restart(struct player *player, const struct script_step *step, FILE *report)
{
    pump_for(player, player->stage->pause_ms);
    player->turn = -1;
    if (player->stage->restart == NULL)
        return step_failed(player, step, report, "which is not possible here");
    char *problem = NULL;
    bool good = player->stage->restart(player->stage->self, &problem);
    if (!good)
        step_failed(player, step, report, problem);
    free(problem);
    return good;
}

static bool is_act(enum script_verb verb)
{
    return verb == SCRIPT_CONNECTS || verb == SCRIPT_DISCONNECTS || verb == SCRIPT_SENDS;
}

static bool play_step(struct player *player, const struct script_step *step, FILE *report)
{
    if (is_act(step->verb)) {
        if (player->turn >= 0 && player->turn != (int)step->client)
            pump_for(player, player->stage->pause_ms);
        player->turn = (int)step->client;
    }
    switch (step->verb) {
    case SCRIPT_CONNECTS:
        return play_connect(player, step, report);
    case SCRIPT_DISCONNECTS:
        return play_disconnect(player, step, report);
    case SCRIPT_SENDS:
        return play_send(player, step, report);
    case SCRIPT_RECEIVES:
    case SCRIPT_RECEIVES_NEXT:
        return play_receive(player, step, report);
    case SCRIPT_RECEIVES_NOTHING:
        return play_nothing(player, step, report);
    case SCRIPT_RESTARTS:
        return play_restart(player, step, report);
    }
    return step_failed(player, step, report, "which no player can do");
}

bool player_run(struct player *player, FILE *report)
{
    for (unsigned i = 0; i < player->script->step_count; i++) {
        if (!play_step(player, &player->script->steps[i], report))
            return false;
    }
    return true;
}
