#include "shard/commands.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "shard/placement.h"

enum { REPORTS_FIRST = 16 };

void commands_fini(struct commands *commands)
{
    for (unsigned i = 0; i < commands->count; i++)
        command_free(commands->at[i].command);
    for (unsigned i = 0; i < commands->report_count; i++)
        message_free(commands->reports[i]);
    mem_free(commands->reports);
}

/* ---- who asks ---- */

bool commands_full(const struct commands *commands)
{
    return commands->count == COMMANDS_PENDING_MAX;
}

static bool order(struct commands *commands, const struct command *command, uint64_t number,
                  uint32_t place)
{
    const struct jid *room = command_room(command, place);
    unsigned shards = exchange_shards(commands->exchange);
    unsigned shard = placement_shard(commands->placement_key, jid_bare(room), shards);
    struct message *message = message_new(MSG_ROOM_ORDER);
    message->room_order.room = jid_copy(room);
    message->room_order.by = jid_copy(command_asker(command));
    message->room_order.ticket = (struct ticket){number, commands->shard, place};
    return post_shard(commands->exchange, shard, message);
}

void commands_begin(struct commands *commands, struct command *command, int64_t now_us)
{
    ensure(!commands_full(commands));
    struct pending_command *pending = &commands->at[commands->count++];
    *pending = (struct pending_command){
        .number = ++commands->last,
        .until_us = now_us + COMMAND_WAIT_MS * INT64_C(1000),
        .command = command,
    };
    for (uint32_t place = 0; place < command_rooms(command); place++) {
        if (!order(commands, command, pending->number, place))
            command_report(command, place, ORDER_LOST);
    }
}

void commands_reported(struct commands *commands, const struct ticket *ticket,
                       enum order_outcome outcome)
{
    for (unsigned i = 0; i < commands->count; i++) {
        if (commands->at[i].number == ticket->command)
            command_report(commands->at[i].command, ticket->place, outcome);
    }
}

struct command *commands_over(struct commands *commands, int64_t now_us, bool all)
{
    for (unsigned i = 0; i < commands->count; i++) {
        const struct pending_command *pending = &commands->at[i];
        struct command *command = pending->command;
        if (!all && !command_is_over(command) && now_us < pending->until_us)
            continue;
        commands->count--;
        memmove(&commands->at[i], &commands->at[i + 1],
                sizeof(commands->at[0]) * (commands->count - i));
        return command;
    }
    return NULL;
}

int commands_timeout_ms(const struct commands *commands, int64_t now_us)
{
    if (commands->count == 0)
        return -1;
    int64_t wait_us = commands->at[0].until_us - now_us;
    return wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000);
}

/* ---- who was asked ---- */

void commands_report(struct commands *commands, const struct ticket *ticket,
                     enum order_outcome outcome)
{
    if (commands->report_count == commands->report_cap) {
        unsigned cap = commands->report_cap == 0 ? REPORTS_FIRST : commands->report_cap * 2;
        commands->reports = mem_grow(commands->reports, sizeof(struct message *) * cap);
        commands->report_cap = cap;
    }
    struct message *message = message_new(MSG_ORDER_REPORT);
    message->order_report.ticket = *ticket;
    message->order_report.outcome = outcome;
    commands->reports[commands->report_count++] = message;
}

void commands_flush(struct commands *commands)
{
    for (unsigned i = 0; i < commands->report_count; i++) {
        struct message *message = commands->reports[i];
        post_shard(commands->exchange, message->order_report.ticket.asker, message);
    }
    commands->report_count = 0;
}
