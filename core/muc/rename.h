/*
 * New nicknames that the room gives, not the client: everybody of an account goes by one name from
 * now on.
 * @xep 0045 1.35.5 #register.renamed
 */
#ifndef CORE_MUC_RENAME_H
#define CORE_MUC_RENAME_H

#include "core/muc/muc.h"

/* Each occupant of the account is told, and shown, to have changed to that nickname (303, and 210
 * to itself); two that are one by it are joined. The nickname is prepared and free for the account.
 * Who would be one session too many for a nickname keeps the one it has; so does every other client
 * where a nickname is for one (many_sessions). */
void rename_account(struct room *room, struct step *step, struct str account, struct str nick);

#endif
