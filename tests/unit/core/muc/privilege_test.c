/*
 * The matrices of SEMANTICS 6.1 to 6.4, each written out in full.
 */
#include "core/muc/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const affiliation_names[AFF_COUNT] = {"outcast", "none", "member", "admin",
                                                         "owner"};
static const char *const role_names[ROLE_COUNT] = {"none", "visitor", "participant", "moderator"};

static void names_go_there_and_back(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < AFF_COUNT; i++) {
        enum affiliation read = AFF_COUNT;
        assert_true(str_eqz(affiliation_text((enum affiliation)i), affiliation_names[i]));
        assert_true(affiliation_parse(str_z(affiliation_names[i]), &read));
        assert_int_equal(read, i);
    }
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        enum role read = ROLE_COUNT;
        assert_true(str_eqz(role_text((enum role)i), role_names[i]));
        assert_true(role_parse(str_z(role_names[i]), &read));
        assert_int_equal(read, i);
    }
    enum affiliation affiliation = AFF_MEMBER;
    enum role role = ROLE_VISITOR;
    assert_false(affiliation_parse(STR("Owner"), &affiliation));
    assert_false(affiliation_parse(STR(""), &affiliation));
    assert_false(affiliation_parse(STR("moderator"), &affiliation));
    assert_false(role_parse(STR("owner"), &role));
    assert_false(role_parse(STR_NONE, &role));
    assert_int_equal(affiliation, AFF_MEMBER);
    assert_int_equal(role, ROLE_VISITOR);
}

enum { OPEN, MODERATED, MEMBERS, MEMBERS_MODERATED, ROOM_TYPES };

static bool is_moderated(unsigned type)
{
    return type == MODERATED || type == MEMBERS_MODERATED;
}

static bool is_members_only(unsigned type)
{
    return type == MEMBERS || type == MEMBERS_MODERATED;
}

static struct room_kind kind_of(unsigned type, enum newcomers newcomers)
{
    return (struct room_kind){is_moderated(type), is_members_only(type), newcomers};
}

/* SEMANTICS 6.1: outcast, none, member, admin, owner; the role's first letter, '-' for none. */
static const char *const defaults[ROOM_TYPES] = {
    [OPEN] = "-ppmm",
    [MODERATED] = "-vpmm",
    [MEMBERS] = "--pmm",
    [MEMBERS_MODERATED] = "--pmm",
};

static char letter(enum role role)
{
    return "-vpm"[role];
}

/* @covers 0045#roles.names 0045#roles-default.table */
static void default_roles(void **state)
{
    UNUSED(state);
    for (unsigned type = 0; type < ROOM_TYPES; type++) {
        for (unsigned i = 0; i < AFF_COUNT; i++) {
            enum role role = role_default((enum affiliation)i, kind_of(type, NEWCOMERS_AUTOMATIC));
            assert_int_equal(letter(role), defaults[type][i]);
        }
    }
}

/* What the room says of newcomers is about those without affiliation, and opens no door. */
static void default_roles_of_newcomers(void **state)
{
    static const struct {
        enum newcomers newcomers;
        const char *rows[ROOM_TYPES];
    } cases[] = {
        {NEWCOMERS_PARTICIPANT, {"-ppmm", "-ppmm", "--pmm", "--pmm"}},
        {NEWCOMERS_VISITOR, {"-vpmm", "-vpmm", "--pmm", "--pmm"}},
    };
    UNUSED(state);
    for (unsigned c = 0; c < ARRAY_LEN(cases); c++) {
        for (unsigned type = 0; type < ROOM_TYPES; type++) {
            for (unsigned i = 0; i < AFF_COUNT; i++) {
                enum role role =
                    role_default((enum affiliation)i, kind_of(type, cases[c].newcomers));
                assert_int_equal(letter(role), cases[c].rows[type][i]);
            }
        }
        /* who loses an affiliation is what a newcomer would be */
        enum role wanted =
            cases[c].newcomers == NEWCOMERS_VISITOR ? ROLE_VISITOR : ROLE_PARTICIPANT;
        assert_int_equal(
            role_after(ROLE_MODERATOR, AFF_ADMIN, AFF_NONE, kind_of(MODERATED, cases[c].newcomers)),
            wanted);
    }
}

/*
 * SEMANTICS 6.4: the role of a visitor, participant, moderator after a change of affiliation; rows
 * are the affiliation before, columns the one after (outcast, none, member, admin, owner). Nobody
 * inside is an outcast before.
 */
struct after {
    const char *visitor[AFF_COUNT];
    const char *participant[AFF_COUNT];
    const char *moderator[AFF_COUNT];
};

static const struct after after[ROOM_TYPES] = {
    [OPEN] =
        {
            {NULL, "-vpmm", "-pvmm", "-ppvm", "-ppmv"},
            {NULL, "-ppmm", "-ppmm", "-pppm", "-ppmp"},
            {NULL, "-mmmm", "-pmmm", "-ppmm", "-ppmm"},
        },
    [MODERATED] =
        {
            {NULL, "-vpmm", "-vvmm", "-vpvm", "-vpmv"},
            {NULL, "-ppmm", "-vpmm", "-vppm", "-vpmp"},
            {NULL, "-mmmm", "-vmmm", "-vpmm", "-vpmm"},
        },
    [MEMBERS] =
        {
            {NULL, "-vpmm", "--vmm", "--pvm", "--pmv"},
            {NULL, "-ppmm", "--pmm", "--ppm", "--pmp"},
            {NULL, "-mmmm", "--mmm", "--pmm", "--pmm"},
        },
    [MEMBERS_MODERATED] =
        {
            {NULL, "-vpmm", "--vmm", "--pvm", "--pmv"},
            {NULL, "-ppmm", "--pmm", "--ppm", "--pmp"},
            {NULL, "-mmmm", "--mmm", "--pmm", "--pmm"},
        },
};

static void check_after(unsigned type, enum role role, const char *const rows[])
{
    for (unsigned before = AFF_NONE; before < AFF_COUNT; before++) {
        for (unsigned to = 0; to < AFF_COUNT; to++) {
            enum role now = role_after(role, (enum affiliation)before, (enum affiliation)to,
                                       kind_of(type, NEWCOMERS_AUTOMATIC));
            if (letter(now) != rows[before][to])
                print_error("room type %u: %s, %s -> %s: %s\n", type, role_names[role],
                            affiliation_names[before], affiliation_names[to], role_names[now]);
            assert_int_equal(letter(now), rows[before][to]);
        }
    }
}

static void roles_after_a_change(void **state)
{
    UNUSED(state);
    for (unsigned type = 0; type < ROOM_TYPES; type++) {
        check_after(type, ROLE_VISITOR, after[type].visitor);
        check_after(type, ROLE_PARTICIPANT, after[type].participant);
        check_after(type, ROLE_MODERATOR, after[type].moderator);
    }
}

/* Rows: the actor is none, member, admin, owner (a moderator always); columns: the target's
 * affiliation in the same order. '+' allowed, '-' refused. */
struct role_case {
    enum role target;
    enum role wanted;
    const char *rows[4];
};

static const struct role_case role_cases[] = {
    /* kick: 8.2, refused only where the target is higher */
    {ROLE_VISITOR, ROLE_NONE, {"+---", "++--", "+++-", "++++"}},
    {ROLE_PARTICIPANT, ROLE_NONE, {"+---", "++--", "+++-", "++++"}},
    {ROLE_MODERATOR, ROLE_NONE, {"+---", "++--", "+++-", "++++"}},
    /* granting voice */
    {ROLE_VISITOR, ROLE_PARTICIPANT, {"+---", "++--", "+++-", "++++"}},
    /* revoking voice: 8.4, refused where the target is equal */
    {ROLE_PARTICIPANT, ROLE_VISITOR, {"----", "+---", "++--", "+++-"}},
    /* granting moderator: by admins and owners */
    {ROLE_PARTICIPANT, ROLE_MODERATOR, {"----", "----", "+++-", "++++"}},
    {ROLE_VISITOR, ROLE_MODERATOR, {"----", "----", "+++-", "++++"}},
    /* taking it away: never from admins and owners */
    {ROLE_MODERATOR, ROLE_PARTICIPANT, {"----", "----", "++--", "++--"}},
    {ROLE_MODERATOR, ROLE_VISITOR, {"----", "----", "++--", "++--"}},
    /* nothing changes */
    {ROLE_VISITOR, ROLE_VISITOR, {"+---", "++--", "+++-", "++++"}},
    {ROLE_PARTICIPANT, ROLE_PARTICIPANT, {"+---", "++--", "+++-", "++++"}},
    {ROLE_MODERATOR, ROLE_MODERATOR, {"+---", "++--", "+++-", "++++"}},
};

/* @covers 0045#roles-priv.voice 0045#roles-change.rank 0045#revokevoice.rank 0045#revokemod.rank */
static void role_changes_by_moderators(void **state)
{
    UNUSED(state);
    assert_int_equal(ARRAY_LEN(role_cases), 3 * 4); /* every target, every wanted role */
    for (unsigned i = 0; i < ARRAY_LEN(role_cases); i++) {
        for (unsigned a = 0; a < 4; a++) {
            for (unsigned t = 0; t < 4; t++) {
                struct privilege_party actor = {(enum affiliation)(AFF_NONE + a), ROLE_MODERATOR};
                struct privilege_party target = {(enum affiliation)(AFF_NONE + t),
                                                 role_cases[i].target};
                const struct refusal *refusal =
                    role_change_refused(actor, target, role_cases[i].wanted);
                if (role_cases[i].rows[a][t] == '+')
                    assert_null(refusal);
                else
                    assert_ptr_equal(refusal, &refusal_RANK);
            }
        }
    }
}

static void role_changes_by_others(void **state)
{
    UNUSED(state);
    for (unsigned a = AFF_NONE; a < AFF_COUNT; a++) {
        for (unsigned role = ROLE_NONE; role < ROLE_MODERATOR; role++) {
            for (unsigned wanted = 0; wanted < ROLE_COUNT; wanted++) {
                struct privilege_party actor = {(enum affiliation)a, (enum role)role};
                struct privilege_party target = {AFF_NONE, ROLE_PARTICIPANT};
                assert_ptr_equal(role_change_refused(actor, target, (enum role)wanted),
                                 &refusal_NOT_MODERATOR);
            }
        }
    }
}

/* SEMANTICS 6.3: rows are the target's affiliation, columns the wanted one (outcast, none, member,
 * admin, owner). */
static const char *const by_admin[AFF_COUNT] = {"+++--", "+++--", "+++--", "-----", "-----"};
static const char *const by_owner[AFF_COUNT] = {"+++++", "+++++", "+++++", "+++++", "+++++"};

/* @covers 0045#affil.others 0045#ban.rank 0045#grantowner.forbidden */
static void affiliation_changes_of_others(void **state)
{
    UNUSED(state);
    for (unsigned actor = 0; actor < AFF_COUNT; actor++) {
        for (unsigned target = 0; target < AFF_COUNT; target++) {
            for (unsigned wanted = 0; wanted < AFF_COUNT; wanted++) {
                const struct refusal *refusal =
                    affiliation_change_refused((enum affiliation)actor, (enum affiliation)target,
                                               (enum affiliation)wanted, false, false);
                if (actor < AFF_ADMIN) {
                    assert_ptr_equal(refusal, &refusal_NOT_ADMIN);
                    continue;
                }
                const char *const *table = actor == AFF_ADMIN ? by_admin : by_owner;
                if (table[target][wanted] == '+')
                    assert_null(refusal);
                else
                    assert_ptr_equal(refusal, &refusal_RANK);
            }
        }
    }
}

/* @covers 0045#ban.self */
static void affiliation_changes_of_oneself(void **state)
{
    UNUSED(state);
    /* banning oneself: for admins and owners a conflict, whether or not another owner stays */
    assert_ptr_equal(affiliation_change_refused(AFF_ADMIN, AFF_ADMIN, AFF_OUTCAST, true, false),
                     &refusal_SELF);
    assert_ptr_equal(affiliation_change_refused(AFF_OWNER, AFF_OWNER, AFF_OUTCAST, true, false),
                     &refusal_SELF);
    assert_ptr_equal(affiliation_change_refused(AFF_OWNER, AFF_OWNER, AFF_OUTCAST, true, true),
                     &refusal_SELF);
    /* but who may not ban at all is told that */
    assert_ptr_equal(affiliation_change_refused(AFF_MEMBER, AFF_MEMBER, AFF_OUTCAST, true, false),
                     &refusal_NOT_ADMIN);
    /* an owner steps down if another one stays */
    for (unsigned wanted = AFF_NONE; wanted < AFF_COUNT; wanted++)
        assert_null(affiliation_change_refused(AFF_OWNER, AFF_OWNER, (enum affiliation)wanted, true,
                                               false));
}

/* @covers 0045#owner.one */
static void the_last_owner_stays(void **state)
{
    UNUSED(state);
    for (unsigned self = 0; self < 2; self++) {
        for (unsigned wanted = AFF_NONE; wanted < AFF_OWNER; wanted++)
            assert_ptr_equal(affiliation_change_refused(AFF_OWNER, AFF_OWNER,
                                                        (enum affiliation)wanted, self == 1, true),
                             &refusal_LAST_OWNER);
        assert_null(affiliation_change_refused(AFF_OWNER, AFF_OWNER, AFF_OWNER, self == 1, true));
    }
    /* not even by a service's admin who is no owner in the list: the actor counts as owner */
    assert_ptr_equal(affiliation_change_refused(AFF_OWNER, AFF_OWNER, AFF_OUTCAST, false, true),
                     &refusal_LAST_OWNER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_there_and_back),
        cmocka_unit_test(default_roles),
        cmocka_unit_test(default_roles_of_newcomers),
        cmocka_unit_test(roles_after_a_change),
        cmocka_unit_test(role_changes_by_moderators),
        cmocka_unit_test(role_changes_by_others),
        cmocka_unit_test(affiliation_changes_of_others),
        cmocka_unit_test(affiliation_changes_of_oneself),
        cmocka_unit_test(the_last_owner_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
