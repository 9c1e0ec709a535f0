#include "core/muc/room.h"
#include "tests/support/talk.h"

static void tries(struct world *w, const char *who, const char *inner)
{
    says(w, who, "<presence to='" ROOM "/%s'><x xmlns='" NS_X "'>%s</x></presence>",
         strcmp(who, PARIS) == 0 ? "Paris" : "Juliet", inner);
}

/* Exactly this, in this place. */
/* @covers 0045#enter-pw.refused */
static void nothing_but_the_password(void **state)
{
    static const char *const wrong[] = {
        "",
        "<password/>",
        "<password>Secret</password>",
        "<password>secret </password>",
        "<password>secre</password>",
        "<password xmlns='urn:other'>secret</password>",
        "<password>wrong</password><password>secret</password>",
    };
    static const char *const options[] = {"password=secret", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        tries(w, PARIS, wrong[i]);
        reads_error(w, PARIS, "auth", "not-authorized");
    }
    tries(w, PARIS, "<password>se<![CDATA[cr]]>et</password>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    world_free(w);
}

/* Neither another session nor a member is spared it; who is inside is not asked again, and it is
 * told to nobody. */
/* @covers 0045#enter-pw.refused */
static void who_has_to_know_it(void **state)
{
    static const char *const options[] = {"password=secret", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    tries(w, JULIET, "");
    reads_error(w, JULIET, "auth", "not-authorized");
    tries(w, JULIET, "<password>secret</password>");
    assert_null(strstr(world_next(w, ROMEO), "secret"));
    world_forget(w);
    tries(w, JULIET_2, "");
    reads_error(w, JULIET_2, "auth", "not-authorized");
    tries(w, JULIET, "");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    world_forget(w);
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_null(strstr(world_next(w, PARIS), "secret"));
    world_free(w);
}

/* The operator may spare some of them the password. */
static void who_need_not_know_it(void **state)
{
    static const struct {
        const char *bypass;
        bool admin, owner;
    } rows[] = {{"none", false, false}, {"admins", true, false}, {"owners", true, true}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bypass[40];
        snprintf(bypass, sizeof(bypass), "password_bypass=%s", rows[i].bypass);
        const char *const options[] = {"password=secret", bypass, NULL};
        struct world *w = world_with(options);
        world_client(w, "admin@localhost/desk");
        enters(w, ROMEO, "Romeo");
        sets(w, ROMEO,
             "<item affiliation='owner' jid='juliet@localhost'/>"
             "<item affiliation='admin' jid='paris@localhost'/>");
        tries(w, "admin@localhost/desk", "<password>wrong</password>");
        if (!rows[i].admin)
            reads_error(w, "admin@localhost/desk", "auth", "not-authorized");
        leaves(w, "admin@localhost/desk");
        tries(w, JULIET, "");
        if (!rows[i].owner)
            reads_error(w, JULIET, "auth", "not-authorized");
        tries(w, PARIS, "");
        hush(w);
        assert_null(occupant_by_nick(world_room(w, ROOM), STR("paris")));
        assert_int_equal(world_room(w, ROOM)->session_count, rows[i].owner ? 2 : 1);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_the_password),
        cmocka_unit_test(who_has_to_know_it),
        cmocka_unit_test(who_need_not_know_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
