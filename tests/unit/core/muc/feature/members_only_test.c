/* @covers 0045#getmemberlist */
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* Every affiliation and the room that has become members-only: who may come, who has to go. */
/* @covers 0045#enter-members.refused 0045#modifymember.refused */
static void by_affiliation(void **state)
{
    static const struct {
        const char *affiliation;
        bool enters;
    } rows[] = {{"member", true}, {"admin", true}, {"owner", true}, {"none", false}};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char item[96];
        snprintf(item, sizeof(item), "<item affiliation='%s' jid='paris@localhost'/>",
                 rows[i].affiliation);
        sets(w, ROMEO, item);
        enters(w, PARIS, "Paris");
        configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
        assert_int_equal(world_room(w, ROOM)->session_count, rows[i].enters ? 2 : 1);
        leaves(w, PARIS);
        join(w, PARIS, "Paris");
        if (!rows[i].enters)
            reads_error(w, PARIS, "auth", "registration-required");
        assert_int_equal(world_room(w, ROOM)->session_count, rows[i].enters ? 2 : 1);
        leaves(w, PARIS);
        configures(w, ROMEO, "muc#roomconfig_membersonly", "0");
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_affiliation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
