#include "core/base/limits.h"
#include "core/muc/feature.h"
#include "tests/support/talk.h"

extern const struct feature feature_capacity;

static void most_sessions_of_a_nickname(void **state)
{
    struct world *w = world_with(NULL);
    char jid[64];
    (void)state;
    for (unsigned i = 0; i < ROOM_SESSIONS_PER_NICK; i++) {
        snprintf(jid, sizeof(jid), "juliet@localhost/%u", i);
        world_client(w, jid);
        enters(w, jid, "Juliet");
    }
    assert_int_equal(world_room(w, ROOM)->session_count, ROOM_SESSIONS_PER_NICK);
    join(w, JULIET, "Juliet");
    reads_error(w, JULIET, "wait", "resource-constraint");
    assert_int_equal(world_room(w, ROOM)->session_count, ROOM_SESSIONS_PER_NICK);
    /* Nor by changing to it. */
    enters(w, JULIET, "Jule");
    says(w, JULIET, "<presence to='" ROOM "/Juliet'/>");
    reads_error(w, JULIET, "wait", "resource-constraint");
    join(w, "juliet@localhost/0", "Juliet"); /* is inside */
    assert_null(strstr(world_next(w, "juliet@localhost/0"), "error"));
    world_free(w);
}

/* @covers 0045#enter-maxusers.full */
static void another_session_is_not_one_too_many(void **state)
{
    static const char *const options[] = {"max_users=1", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    join(w, PARIS, "Paris");
    reads_error(w, PARIS, "wait", "service-unavailable");
    world_free(w);
}

/* Nor does it become a further occupant of a full room by changing its nickname; what takes no
 * further place is allowed. */
static void a_full_room_stays_full(void **state)
{
    static const char *const options[] = {"max_users=2", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET_2, "<presence to='" ROOM "/Nurse'/>");
    reads_error(w, JULIET_2, "wait", "service-unavailable");
    reads_nothing(w, JULIET);
    assert_int_equal(world_room(w, ROOM)->occupant_count, 2);
    leaves(w, JULIET);
    says(w, JULIET_2, "<presence to='" ROOM "/Nurse'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Nurse'/>");
    world_free(w);
}

static void owners_and_admins_of_the_service_enter(void **state)
{
    static const char *const options[] = {"max_users=1", NULL};
    struct world *w = world_with(options);
    (void)state;
    world_client(w, "admin@localhost/desk");
    enters(w, ROMEO, "Romeo");
    enters(w, "admin@localhost/desk", "Admin");
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

static const struct refusal *asked_in_a_room_of(uint32_t occupants, enum affiliation affiliation)
{
    static const struct hash_key key = {1, 2};
    struct room room = {.state = ROOM_OPEN, .occupant_count = occupants};
    struct jid *jid = jid_parse(NULL, STR(PARIS));
    struct inbound in = {.from = jid, .affiliation = affiliation};
    struct entry entry = {.in = &in};
    static const struct muc_settings settings; /* no limit on rooms */
    const struct muc_env env = {.settings = &settings};
    struct step step = {.env = &env};
    map_init(&room.occupants_by_account, &key);
    const struct refusal *refusal = feature_capacity.may_enter(&room, &step, &entry);
    map_fini(&room.occupants_by_account);
    jid_free(jid);
    return refusal;
}

/* Without a number of the owner's, the service's. */
/* @covers 0045#enter-maxusers.full 0045#enter-maxusers.admins */
static void the_largest_room(void **state)
{
    (void)state;
    uint32_t most = ROOM_OCCUPANTS_MAX, reserve = ROOM_ADMIN_RESERVE;
    assert_null(asked_in_a_room_of(most - 1, AFF_MEMBER));
    assert_ptr_equal(asked_in_a_room_of(most, AFF_MEMBER), &refusal_FULL);
    assert_null(asked_in_a_room_of(most, AFF_ADMIN));
    assert_null(asked_in_a_room_of(most + reserve - 1, AFF_OWNER));
    assert_ptr_equal(asked_in_a_room_of(most + reserve, AFF_OWNER), &refusal_FULL);
}

static void a_lower_number_puts_nobody_out(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    configures(w, ROMEO, "muc#roomconfig_maxusers", "1");
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    world_free(w);
}

static void enter_named(struct world *w, const char *who, const char *room, const char *nick)
{
    says(w, who, "<presence to='%s@" WORLD_SERVICE "/%s'><x xmlns='" NS_X "'/></presence>", room,
         nick);
}

/* What the shards count comes with the presence; here the world counts. It is asked last: who may
 * not enter anyway learns why not. */
static void so_many_rooms_of_one_account(void **state)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    static const char *const options[] = {"max_users=2", NULL};
    struct world_config config = {.rooms_per_user = 2, .admins = admins, .options = options};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, JULIET_2);
    world_client(w, PARIS);
    world_client(w, "admin@localhost/office");
    enters(w, ROMEO, "Romeo");
    enter_named(w, JULIET, "one", "Juliet");
    enter_named(w, JULIET, "two", "Juliet");
    hush(w);
    join(w, JULIET, "Juliet"); /* the lounge is there */
    reads_error(w, JULIET, "wait", "resource-constraint");
    assert_int_equal(room_sessions(world_room(w, ROOM)), 1);
    enter_named(w, JULIET_2, "three", "Juliet"); /* this one is not */
    reads_error(w, JULIET_2, "wait", "resource-constraint");
    assert_null(world_room(w, "three@" WORLD_SERVICE));
    join(w, JULIET, "Romeo");
    reads_error(w, JULIET, "cancel", "conflict");
    enters(w, PARIS, "Paris");
    join(w, JULIET, "Juliet");
    reads_error(w, JULIET, "wait", "service-unavailable"); /* full */
    leaves(w, PARIS);

    enter_named(w, JULIET_2, "one", "Other"); /* where she is */
    assert_int_equal(room_sessions(world_room(w, "one@" WORLD_SERVICE)), 2);
    says(w, JULIET, "<presence to='one@" WORLD_SERVICE "' type='unavailable'/>");
    hush(w);
    join(w, JULIET, "Juliet"); /* her other client is still there */
    reads_error(w, JULIET, "wait", "resource-constraint");
    says(w, JULIET_2, "<presence to='one@" WORLD_SERVICE "' type='unavailable'/>");
    hush(w);
    join(w, JULIET, "Juliet");
    assert_int_equal(room_sessions(world_room(w, ROOM)), 2);
    for (unsigned i = 0; i < 4; i++) {
        char room[20];
        snprintf(room, sizeof(room), "office%u", i);
        enter_named(w, "admin@localhost/office", room, "Admin");
        assert_non_null(strstr(world_next(w, "admin@localhost/office"), "code='110'"));
        hush(w);
    }
    world_shutdown(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_sessions_of_a_nickname),
        cmocka_unit_test(another_session_is_not_one_too_many),
        cmocka_unit_test(a_full_room_stays_full),
        cmocka_unit_test(owners_and_admins_of_the_service_enter),
        cmocka_unit_test(the_largest_room),
        cmocka_unit_test(a_lower_number_puts_nobody_out),
        cmocka_unit_test(so_many_rooms_of_one_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
