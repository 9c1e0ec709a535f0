/*
 * The service's own address: what its files share. What the world calls is in core/muc/muc.h.
 */
#ifndef CORE_MUC_SERVICE_H
#define CORE_MUC_SERVICE_H

#include "core/muc/inbound.h"

/* As refuse_with() of a room; `by` is filled in. */
void service_refuse_with(struct step *step, const struct inbound *in, const struct refusal *refusal,
                         struct refuse_more more);
void service_refuse(struct step *step, const struct inbound *in, const struct refusal *refusal);

/* The sender is an admin of the service. */
bool service_is_admin(const struct step *step, const struct inbound *in);

/* ---- core/muc/service_listing.c: disco#items ---- */

/* Answers, or asks the store first. */
void service_items(struct step *step, const struct inbound *in, const struct room_lister *lister);
void service_items_answered(struct step *step, const struct inbound *in,
                            const struct room_lister *lister, const struct stored_page *stored);

/* ---- core/muc/service_command.c: what admins may have it do ---- */

/* An iq of type set with <command/>. `full`: so many commands are under way that none may begin. */
void service_command(struct step *step, const struct inbound *in, bool full);
/* Discovery with a node. False: no node of commands, or none this sender is to know of. */
bool service_command_disco(struct step *step, const struct inbound *in, struct str node);

#endif
