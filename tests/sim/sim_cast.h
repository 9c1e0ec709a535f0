/*
 * Who takes part. Rooms: the first is archived and stays for ever; the others are configured,
 * destroyed and made again. Users: the owners, each of one room; others behind the link of each
 * service's host; and clients of our own, whose sessions end with the process.
 */
#ifndef TESTS_SIM_SIM_CAST_H
#define TESTS_SIM_SIM_CAST_H

enum {
    CAST_SERVICES = 2,
    CAST_ROOMS = 3,
    CAST_USERS = 10,
    CAST_OWNERS = CAST_ROOMS, /* the first users: user i owns room i and is in no other */
    CAST_LOCAL = 7,           /* from this one on they are our own clients */
    CAST_GUESTS = 5,          /* accounts that are never inside, but in lists */
    CAST_STEADY = 0,          /* the room that nothing happens to */
};

extern const char *const cast_rooms[CAST_ROOMS];
extern const unsigned cast_service[CAST_ROOMS];
extern const char *const cast_users[CAST_USERS];    /* full JIDs */
extern const char *const cast_accounts[CAST_USERS]; /* bare */
extern const char *const cast_guests[CAST_GUESTS];

int cast_user_of(const char *full_jid, unsigned len); /* -1: nobody */
int cast_room_of(const char *jid, unsigned len);      /* bare or an occupant's; -1: none */

#endif
