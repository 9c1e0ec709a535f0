/*
 * A room as it is now, as it would come back from the store: what room_restore() makes a room of.
 * For when a room becomes durable, and for those who write a part of it behind.
 */
#ifndef CORE_MUC_SNAPSHOT_H
#define CORE_MUC_SNAPSHOT_H

#include "core/muc/stored.h"

struct session;

/* In the arena, texts borrowed from the room. Its history is not in it: messages said before a room
 * was stored are not, for nobody was told that they would be. */
void room_snapshot(const struct room *room, struct arena *arena, struct stored_room *stored);

/* False: nothing is remembered of it. */
bool snapshot_account(const struct room *room, struct str account, struct stored_account *stored);
void snapshot_memory(const struct room *room, struct arena *arena, struct stored_memory *memory);
void snapshot_session(const struct session *session, struct stored_session *stored);

#endif
