#include "tests/random/cast.h"

#include <string.h>

const struct cast_entry cast_entries[CAST_ENTRIES] = {
    {"zq17anna@home.example", 6}, {"zq17bert@home.example", 6}, {"zq17cleo@home.example", 6},
    {"zq17dora@away.example", 7}, {"zq17emil@away.example", 7}, {"zq17gate.example", 5},
    {"home.example", 6},          {"away.example", 7},
};

const char *const cast_clients[CAST_CLIENTS] = {
    "zq17anna@home.example/1", "zq17anna@home.example/2", "zq17anna@home.example/3",
    "zq17bert@home.example/1", "zq17bert@home.example/2", "zq17cleo@home.example/1",
    "zq17cleo@home.example/2", "zq17dora@away.example/1", "zq17dora@away.example/2",
    "zq17emil@away.example/1", "zq17emil@away.example/2", "zq17gate.example/x",
};

const int cast_account_of[CAST_CLIENTS] = {0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5};

const char *const cast_rooms[CAST_ROOMS] = {"lounge@" CAST_SERVICE, "attic@" CAST_SERVICE};

const struct cast_nick cast_nicks[CAST_NICKS] = {
    {"Ada", "Ada", 0, NICK_FINE, false, 0},
    {"ADA", "ADA", 0, NICK_FINE, false, 1},
    {"Bob", "Bob", 1, NICK_FINE, false, 2},
    {"bob", "bob", 1, NICK_FINE, false, 3},
    {"Cyd", "Cyd", 2, NICK_FINE, false, 4},
    {"Don", "Don", 3, NICK_FINE, false, 5},
    {"o'x<&>", "o&apos;x&lt;&amp;&gt;", 4, NICK_FINE, false, 6},
    {"\xc3\x89t\xc3\xa9", "\xc3\x89t\xc3\xa9", 5, NICK_FINE, false, 7},
    {"Eve", "Eve", 6, NICK_FINE, false, 8},
    {"two  words", "two  words", 7, NICK_FINE, true, 9},
    {"two words", "two words", 7, NICK_FINE, true, 10},
    {" padded ", " padded ", 8, NICK_PADDED, false, 12},
    {"padded", "padded", 8, NICK_FINE, false, 12},
    {" ", " ", 9, NICK_INVISIBLE, false, 13},
    {"\xf0\x9f\x99\x82", "\xf0\x9f\x99\x82", 10, NICK_RECENT, false, 14},
};

const struct cast_look cast_looks[CAST_LOOKS] = {
    {"", 0},
    {"<show>away</show>", 0},
    {"<priority>5</priority>", 5},
    {"<show>dnd</show><priority>-1</priority>", -1},
};

const char *const cast_passwords[CAST_PASSWORDS] = {"", "sesame", "mellon"};

const struct cast_question cast_questions[CAST_QUESTIONS] = {
    {"first", "muc#register_first", "answer of a first name"},
    {"last", "muc#register_last", "answer of a last name"},
    {"url", "muc#register_url", "answer of a page"},
    {"email", "muc#register_email", "answer of a mailbox"},
    {"faqentry", "muc#register_faqentry", "answer of many words"},
};

int cast_client_named(const char *full_jid)
{
    for (int i = 0; i < CAST_CLIENTS; i++) {
        if (strcmp(cast_clients[i], full_jid) == 0)
            return i;
    }
    return CAST_NOBODY;
}

unsigned cast_pick(uint64_t *random, unsigned count)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((*random >> 33) % count);
}
