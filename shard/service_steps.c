/*
 * What the services themselves are asked, and admins' commands when their rooms have reported.
 */
#include "core/base/ensure.h"
#include "shard/shard_impl.h"

static struct listing_page listing_page(void *self, struct arena *arena,
                                        const struct listing_query *query)
{
    const struct shard *shard = self;
    return directory_page(shard->setup.directory, arena, query);
}

static void lower_service(struct shard *shard, struct step *step, struct route origin)
{
    struct lowering lowering = {
        .arena = shard->arena,
        .fanout = &shard->fanout,
        .directory = shard->setup.directory,
        .commands = &shard->commands,
        .now_us = shard->agent.now_us,
        .service = step->env->settings->domain,
        .origin = origin,
        .keeping = shard->setup.stored ? &shard->keeping : NULL,
    };
    lower_effects(&lowering, &step->effects);
}

static void run_service(struct shard *shard, const struct event *event)
{
    bool asks = event->kind == EV_STANZA;
    const struct jid *to = asks ? event->stanza.to : event->answer.to;
    struct step step = shard_step(shard, rooms_env(&shard->rooms, to));
    struct room_lister lister = {.self = shard, .page = listing_page};
    struct service_view view = {.rooms = &lister, .commands_full = commands_full(&shard->commands)};
    service_step(event, &view, &step);
    lower_service(shard, &step, asks ? event->stanza.route : event->answer.route);
}

void service_take(struct shard *shard, struct message *message)
{
    struct event event = {.kind = EV_STANZA};
    if (message->kind == MSG_STANZA) {
        event.stanza.stanza = message->stanza.stanza;
        event.stanza.from = message->stanza.from;
        event.stanza.to = message->stanza.to;
        event.stanza.route = message->stanza.route;
    } else {
        const struct asked *ask = message->ask;
        ensure(message->kind == MSG_ANSWER);
        event.kind = EV_ANSWER;
        event.answer.stanza = ask->stanza;
        event.answer.from = ask->from;
        event.answer.to = ask->to;
        event.answer.route = ask->route;
        event.answer.listing = ask->listing;
        event.answer.listed = &ask->listed;
    }
    run_service(shard, &event);
    message_free(message);
}

static void answer_command(struct shard *shard, struct command *command)
{
    struct step step = shard_step(shard, rooms_env(&shard->rooms, command_service(command)));
    command_answer(command, &step);
    lower_service(shard, &step, ROUTE_NONE);
    command_free(command);
}

unsigned service_answer_commands(struct shard *shard, bool all)
{
    unsigned count = 0;
    struct command *command;
    while ((command = commands_over(&shard->commands, shard->agent.now_us, all)) != NULL) {
        answer_command(shard, command);
        count++;
    }
    return count;
}
