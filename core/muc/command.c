#include "core/muc/command.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/inbound.h"

struct ordered_room {
    struct jid *jid;
    enum order_outcome outcome;
};

struct command {
    struct jid *service;
    struct jid *asker;
    struct str id;
    struct str session;
    struct str node;
    struct route route;
    uint32_t count;
    uint32_t open; /* of them have not reported */
    struct ordered_room rooms[];
};

struct command *command_new(const struct inbound *in, struct str session,
                            const struct jid *const *rooms, uint32_t count)
{
    ensure(count > 0);
    struct command *command = mem_new(sizeof(*command) + sizeof(command->rooms[0]) * count);
    command->service = jid_copy(in->to);
    command->asker = jid_copy(in->from);
    command->id = str_copy(in->id);
    command->session = str_copy(session);
    command->node = str_copy(node_attr(in->payload, NAME_NODE));
    command->route = in->route;
    command->count = count;
    command->open = count;
    for (uint32_t i = 0; i < count; i++)
        command->rooms[i].jid = jid_copy(rooms[i]);
    return command;
}

void command_free(struct command *command)
{
    if (command == NULL)
        return;
    for (uint32_t i = 0; i < command->count; i++)
        jid_free(command->rooms[i].jid);
    jid_free(command->service);
    jid_free(command->asker);
    str_free(&command->id);
    str_free(&command->session);
    str_free(&command->node);
    mem_free(command);
}

const struct jid *command_service(const struct command *command)
{
    return command->service;
}

const struct jid *command_asker(const struct command *command)
{
    return command->asker;
}

uint32_t command_rooms(const struct command *command)
{
    return command->count;
}

const struct jid *command_room(const struct command *command, uint32_t place)
{
    ensure(place < command->count);
    return command->rooms[place].jid;
}

void command_report(struct command *command, uint32_t place, enum order_outcome outcome)
{
    ensure(place < command->count && outcome != ORDER_OPEN);
    if (command->rooms[place].outcome != ORDER_OPEN)
        return;
    command->rooms[place].outcome = outcome;
    command->open--;
}

bool command_is_over(const struct command *command)
{
    return command->open == 0;
}

/* ---- the answer ---- */

/* One note for each outcome, with its rooms below one another. */
static const struct note {
    const char *type;
    const char *text;
} notes[ORDER_OUTCOMES] = {
    [ORDER_OPEN] = {"error", "No answer has come yet from these rooms, look whether they are still "
                             "there:"},
    [ORDER_DONE] = {"info", "The following rooms were destroyed:"},
    [ORDER_NO_ROOM] = {"warn", "These rooms do not exist:"},
    [ORDER_FAILED] =
        {"error", "These rooms could not be destroyed, because the service cannot save that now:"},
    [ORDER_LOST] = {"error", "The order did not reach these rooms, try again in a moment:"},
};

static void write_note(struct fb *fb, const struct command *command, enum order_outcome outcome)
{
    struct buf text;
    buf_init(&text, fb->arena);
    for (uint32_t i = 0; i < command->count; i++) {
        if (command->rooms[i].outcome != outcome)
            continue;
        buf_addc(&text, '\n');
        buf_add(&text, jid_full(command->rooms[i].jid));
    }
    if (text.len == 0)
        return;
    fb_open(fb, NAME_NOTE, NS_COMMANDS);
    fb_attr(fb, "type", str_z(notes[outcome].type));
    fb_text(fb, str_z(notes[outcome].text));
    fb_text(fb, buf_str(&text));
    fb_close(fb);
}

void command_answer(const struct command *command, struct step *step)
{
    static const enum order_outcome order[] = {ORDER_DONE, ORDER_NO_ROOM, ORDER_FAILED, ORDER_LOST,
                                               ORDER_OPEN};
    struct address *address = address_new(jid_full(command->asker));
    struct fb fb;
    fb_begin(&fb, step->arena, "iq", jid_full(command->service), STR("result"), command->id);
    fb_lang(&fb, STR("en"));
    fb_open(&fb, NAME_COMMAND, NS_COMMANDS);
    fb_attr(&fb, "node", command->node);
    fb_attr(&fb, "sessionid", command->session);
    fb_attr(&fb, "status", STR("completed"));
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        write_note(&fb, command, order[i]);
    fb_close(&fb);
    effect_send(step, fb_finish(&fb), command->route, address);
    address_unref(address);
}
