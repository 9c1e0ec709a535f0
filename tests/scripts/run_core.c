/*
 * Depth one of the conversation scripts: plays them on the pure core, without a socket, a thread or
 * a moment's wait (the time that passes is the core's). What fails here is a rule; what fails only
 * deeper is the wiring. Every stanza on the way is also searched for addresses that are kept from
 * who receives it.
 *
 *   run_core FILE...
 */
#include "core/muc/room.h"
#include "core/xmpp/prep.h"
#include "tests/support/player.h"
#include "tests/support/privacy.h"
#include "tests/support/script.h"
#include "tests/support/world.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    const struct script *script;
    struct world *world;
    struct player *player;
    struct privacy *privacy;
    char **full_jids; /* of those who are connected, by client; else NULL */
    unsigned logins;
};

static void on_stanza(void *self, const char *full_jid, const char *stanza)
{
    struct stage *stage = self;
    for (unsigned i = 0; i < stage->script->client_count; i++) {
        if (stage->full_jids[i] != NULL && strcmp(stage->full_jids[i], full_jid) == 0)
            player_deliver(stage->player, i, stanza);
    }
}

static bool stage_connect(void *self, unsigned client, char **full_jid, char **problem)
{
    struct stage *stage = self;
    const char *jid = stage->script->clients[client].jid;
    (void)problem;
    /* As on a server: without a wish, every login gets a resource of its own. */
    stage->logins++;
    int len = strchr(jid, '/') != NULL ? asprintf(full_jid, "%s", jid)
                                       : asprintf(full_jid, "%s/session-%u", jid, stage->logins);
    stage->full_jids[client] = len < 0 ? NULL : strdup(*full_jid);
    if (stage->full_jids[client] == NULL)
        abort();
    world_client(stage->world, *full_jid);
    return true;
}

static bool stage_disconnect(void *self, unsigned client, char **problem)
{
    struct stage *stage = self;
    (void)problem;
    world_client_gone(stage->world, stage->full_jids[client]);
    free(stage->full_jids[client]);
    stage->full_jids[client] = NULL;
    return true;
}

static bool stage_send(void *self, unsigned client, const char *stanza, char **problem)
{
    struct stage *stage = self;
    if (world_stanza(stage->world, stage->full_jids[client], stanza))
        return true;
    *problem =
        strdup("the core does not take this stanza: is it well-formed, is its 'to' an address?");
    return false;
}

/* Connections stay, as behind a host server. */
static bool stage_restart(void *self, char **problem)
{
    struct stage *stage = self;
    (void)problem;
    world_restart(stage->world, WORLD_PLANNED);
    world_trim(stage->world);
    return true;
}

/* Everything is there at once, but for what an alarm has to ring for. */
static void stage_pump(void *self, unsigned ms)
{
    struct stage *stage = self;
    world_advance(stage->world, ms * INT64_C(1000));
}

/* ---- who may see addresses ---- */

static enum privacy_rank rank(void *self, const char *room_jid, const char *account)
{
    struct stage *stage = self;
    const struct room *room = world_room(stage->world, room_jid);
    if (room == NULL)
        return PRIVACY_NONE;
    switch (room_affiliation_str(room, str_z(account))) {
    case AFF_OWNER:
        return PRIVACY_OWNER;
    case AFF_ADMIN:
        return PRIVACY_ADMIN;
    case AFF_MEMBER:
        return PRIVACY_MEMBER;
    case AFF_NONE:
    case AFF_OUTCAST:
    case AFF_COUNT:
        break;
    }
    return PRIVACY_NONE;
}

static void on_sent(void *self, const char *from, const char *stanza)
{
    struct stage *stage = self;
    privacy_sent(stage->privacy, from, stanza);
}

static void on_received(void *self, const char *to, const char *stanza)
{
    struct stage *stage = self;
    privacy_received(stage->privacy, to, stanza);
}

static void on_gone(void *self, const char *full_jid)
{
    struct stage *stage = self;
    privacy_gone(stage->privacy, full_jid);
}

static void on_settled(void *self)
{
    struct stage *stage = self;
    privacy_settled(stage->privacy);
}

static void watch(struct stage *stage)
{
    const struct world_onlooker onlooker = {stage, on_sent, on_received, on_gone, on_settled};
    stage->privacy = privacy_new(WORLD_SERVICE, rank, stage);
    for (unsigned i = 0; i < stage->script->client_count; i++)
        privacy_account(stage->privacy, stage->script->clients[i].jid);
    world_look_on(stage->world, &onlooker);
}

static bool kept_secrets(const struct stage *stage)
{
    const char *breach = privacy_breach(stage->privacy);
    if (breach != NULL)
        printf("%s: %s\n", stage->script->path, breach);
    return breach == NULL;
}

static bool play(const struct script *script)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    /* As a server is when nothing is set. */
    const struct world_config config = {
        .locked = true, .admins = admins, .durable = true, .full_text = true};
    struct stage stage = {.script = script, .world = world_new(&config)};
    const struct player_stage functions = {.connect = stage_connect,
                                           .disconnect = stage_disconnect,
                                           .send = stage_send,
                                           .restart = stage_restart,
                                           .pump = stage_pump,
                                           .pump_is_clock = true,
                                           .receive_ms = 5000,
                                           .self = &stage};
    stage.full_jids = calloc(script->client_count, sizeof(stage.full_jids[0]));
    if (stage.full_jids == NULL)
        abort();
    stage.player = player_new(script, &functions);
    world_listen(stage.world, on_stanza, &stage);
    watch(&stage);
    bool good = player_run(stage.player, stdout);
    good = kept_secrets(&stage) && good;
    player_free(stage.player);
    world_free(stage.world);
    privacy_free(stage.privacy);
    for (unsigned i = 0; i < script->client_count; i++)
        free(stage.full_jids[i]);
    free(stage.full_jids);
    return good;
}

static bool play_file(const char *path)
{
    char *problem = NULL;
    struct script *script = script_read(path, &problem);
    if (script == NULL) {
        printf("%s\n", problem);
        free(problem);
        return false;
    }
    bool good = play(script);
    printf("%s  %s\n", good ? "played" : "FAILED", path);
    script_free(script);
    return good;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: run_core FILE...\n");
        return 2;
    }
    if (prep_init() < 0) {
        fprintf(stderr, "run_core: ICU has no data for preparing addresses\n");
        return 2;
    }
    unsigned failed = 0;
    for (int i = 1; i < argc; i++)
        failed += play_file(argv[i]) ? 0 : 1;
    prep_fini();
    return failed == 0 ? 0 : 1;
}
