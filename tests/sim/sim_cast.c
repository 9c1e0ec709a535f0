#include "tests/sim/sim_cast.h"

#include <stdbool.h>
#include <string.h>

const char *const cast_rooms[CAST_ROOMS] = {"cave@rooms.example", "barn@rooms.example",
                                            "loft@lounge.example"};
const unsigned cast_service[CAST_ROOMS] = {0, 0, 1};

const char *const cast_users[CAST_USERS] = {
    "zq1ann@host.example/home",  "zq2ben@host.example/home",  "zq3cat@host.example/home",
    "zq4dan@host.example/home",  "zq5eve@host.example/home",  "zq6fay@host.example/home",
    "zq7gus@host.example/home",  "zq8hal@local.example/desk", "zq9ivy@local.example/desk",
    "zq0joe@local.example/desk",
};

const char *const cast_accounts[CAST_USERS] = {
    "zq1ann@host.example",  "zq2ben@host.example",  "zq3cat@host.example", "zq4dan@host.example",
    "zq5eve@host.example",  "zq6fay@host.example",  "zq7gus@host.example", "zq8hal@local.example",
    "zq9ivy@local.example", "zq0joe@local.example",
};

const char *const cast_guests[CAST_GUESTS] = {
    "g0@host.example", "g1@host.example", "g2@host.example", "g3@host.example", "g4@host.example",
};

static bool is(const char *name, const char *text, unsigned len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

int cast_user_of(const char *full_jid, unsigned len)
{
    for (int i = 0; i < CAST_USERS; i++)
        if (is(cast_users[i], full_jid, len))
            return i;
    return -1;
}

int cast_room_of(const char *jid, unsigned len)
{
    const char *slash = memchr(jid, '/', len);
    unsigned bare = slash == NULL ? len : (unsigned)(slash - jid);
    for (int i = 0; i < CAST_ROOMS; i++)
        if (is(cast_rooms[i], jid, bare))
            return i;
    return -1;
}
