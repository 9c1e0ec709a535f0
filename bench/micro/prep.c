/* Preparation of addresses and nicknames: core/xmpp/prep and jid_parse. */
#include "bench/micro/micro.h"

#include "core/base/arena.h"
#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/xmpp/jid.h"
#include "core/xmpp/prep.h"

#define BETWEEN_RESETS 64

static struct arena *arena;

static uint64_t parse_jid(void *self, uint64_t operations)
{
    struct str text = str_z(self);
    for (uint64_t i = 0; i < operations; i++) {
        struct jid *jid = jid_parse(arena, text);
        ensure(jid != NULL);
        micro_keep(jid);
        if (i % BETWEEN_RESETS == 0)
            arena_reset(arena);
    }
    return operations;
}

static uint64_t check_nick(void *self, uint64_t operations)
{
    static const struct nick_rules rules = {0};
    struct str text = str_z(self), nick;
    for (uint64_t i = 0; i < operations; i++) {
        ensure(prep_nick(arena, text, &rules, &nick) == NICK_OK);
        struct str key = prep_nick_key(arena, nick);
        micro_keep(key.at);
        if (i % BETWEEN_RESETS == 0)
            arena_reset(arena);
    }
    return operations;
}

int main(int argc, char **argv)
{
    static char plain[] = "room0@conference.localhost/n1234";
    static char mixed[] = "Room0@Conference.Localhost/Romeo Montague";
    static char wide[] = "caf\xc3\xa9@b\xc3\xbc"
                         "cher.example/\xd0\xa0\xd0\xbe\xd0\xbc\xd0\xb5\xd0\xbe";
    static char nick[] = "n1234", wide_nick[] = "\xd0\xa0\xd0\xbe\xd0\xbc\xd0\xb5\xd0\xbe";
    if (prep_init() != 0)
        return 1;
    arena = arena_new(64 * 1024);
    const struct micro_case cases[] = {
        {"jid, lower case ASCII", parse_jid, plain, false},
        {"jid, ASCII with capitals", parse_jid, mixed, false},
        {"jid, beyond ASCII", parse_jid, wide, false},
        {"nickname and its key, ASCII", check_nick, nick, false},
        {"nickname and its key, beyond ASCII", check_nick, wide_nick, false},
    };
    int status = micro_main(argc, argv, "prep", cases, ARRAY_LEN(cases));
    arena_free(arena);
    prep_fini();
    return status;
}
