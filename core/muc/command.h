/*
 * A command of an admin that is under way: which rooms it is about, what came of each, and who is
 * waiting for the answer. Made by the service, kept by its shard until every room has reported or
 * too much time has passed.
 *
 *   service_step() -> FX_COMMAND -> for each room EV_DESTROY -> FX_REPORT -> command_report()
 *                                                    all of them, or too late: command_answer()
 */
#ifndef CORE_MUC_COMMAND_H
#define CORE_MUC_COMMAND_H

#include "core/muc/muc.h"
#include "core/muc/order.h"

struct inbound;
struct command;

/* What asks for rooms to be destroyed: `rooms` (bare, of the service) are copied. */
struct command *command_new(const struct inbound *in, struct str session,
                            const struct jid *const *rooms, uint32_t count);
void command_free(struct command *command); /* NULL allowed */

const struct jid *command_service(const struct command *command);
const struct jid *command_asker(const struct command *command); /* full */
uint32_t command_rooms(const struct command *command);
const struct jid *command_room(const struct command *command, uint32_t place);

/* The first report of a room counts. */
void command_report(struct command *command, uint32_t place, enum order_outcome outcome);
/* Every room has reported. */
bool command_is_over(const struct command *command);

/* The answer; a room that has not reported yet is said to be open. */
void command_answer(const struct command *command, struct step *step);

#endif
