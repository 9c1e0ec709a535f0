/*
 * Messages that an operator has taken out of the archive: newcomers are not shown them any more.
 */
#include "core/muc/room.h"
#include "tests/support/talk.h"

static const char *const archived[] = {"persistent=on", "archive=on", NULL};

static void talks(struct world *w, const char *who, const char *text)
{
    says(w, who, "<message to='" ROOM "' type='groupchat' id='%s'><body>%s</body></message>", text,
         text);
    hush(w);
}

static void forgets(struct world *w, const char *account, int64_t until_us)
{
    struct event event = {.kind = EV_FORGET};
    event.forget.account = str_z(account);
    event.forget.until_us = until_us;
    world_event(w, &event);
}

/* What Paris is shown when he enters: bodies and tombstones. He leaves again. */
static void shows(struct world *w, const char *expected)
{
    char shown[200] = "";
    const char *came;
    join(w, PARIS, "Paris");
    while ((came = world_next(w, PARIS)) != NULL) {
        const char *body = strstr(came, "<body>");
        size_t used = strlen(shown);
        if (body != NULL)
            snprintf(shown + used, sizeof(shown) - used, "%.*s ", (int)strcspn(body + 6, "<"),
                     body + 6);
        else if (strstr(came, "<retracted ") != NULL)
            snprintf(shown + used, sizeof(shown) - used, "TOMB ");
    }
    leaves(w, PARIS);
    assert_string_equal(shown, expected);
}

static void an_account_is_forgotten(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    talks(w, JULIET, "j1");
    talks(w, ROMEO, "r1");
    talks(w, JULIET, "j2");
    shows(w, "j1 r1 j2 ");
    int64_t then_us = world_now(w);
    world_advance(w, 1000);
    talks(w, JULIET, "j3");
    forgets(w, "nobody@localhost", INT64_MAX);
    shows(w, "j1 r1 j2 j3 ");
    forgets(w, "juliet@localhost", then_us);
    shows(w, "r1 j3 "); /* what is said afterwards is meant to be heard */
    const struct room *room = world_room(w, ROOM);
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < room->history.count; i++)
        bytes += room_history_at(room, i)->frame->size;
    assert_int_equal(room->history.bytes, bytes);
    talks(w, ROMEO, "r2");
    shows(w, "r1 j3 r2 ");
    world_free(w);
}

static void a_room_is_forgotten(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    forgets(w, NULL, INT64_MAX); /* nothing is there yet */
    talks(w, JULIET, "j1");
    talks(w, ROMEO, "r1");
    forgets(w, NULL, world_now(w));
    shows(w, "");
    talks(w, ROMEO, "r2");
    shows(w, "r2 ");
    world_free(w);
}

/* Nothing of what was said is left in them. */
static void tombstones_stay(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    talks(w, JULIET, "j1");
    const struct history_entry *entry = room_history_at(world_room(w, ROOM), 0);
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat' id='r'>"
         "<retract xmlns='urn:xmpp:message-retract:1' id='%.*s'/></message>",
         STANZA_ID_BYTES, entry->stanza_id);
    hush(w);
    talks(w, JULIET, "j2");
    shows(w, "TOMB j2 ");
    forgets(w, "juliet@localhost", INT64_MAX);
    shows(w, "TOMB ");
    world_free(w);
}

static void names_it(struct world *w, const char *who, const char *subject)
{
    says(w, who, "<message to='" ROOM "' type='groupchat' id='s'><subject>%s</subject></message>",
         subject);
    hush(w);
}

/* What a newcomer is told of it; NULL: that there is none. */
static void has_subject(struct world *w, const char *expected)
{
    char told[200] = "";
    const char *came;
    join(w, PARIS, "Paris");
    while ((came = world_next(w, PARIS)) != NULL)
        if (strstr(came, "<subject") != NULL)
            snprintf(told, sizeof(told), "%s", came);
    leaves(w, PARIS);
    hush(w);
    const char *wanted = expected != NULL ? expected : "<subject/>";
    if (strstr(told, wanted) == NULL)
        fail_msg("'%s' is not in: %s", wanted, told);
}

/* It goes with who has set it, and those inside see it go. */
static void a_subject_is_forgotten(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    forgets(w, "romeo@localhost", INT64_MAX); /* there is none yet */
    int64_t then_us = world_now(w);
    world_advance(w, 1000);
    names_it(w, ROMEO, "His balcony");
    forgets(w, "juliet@localhost", INT64_MAX);
    forgets(w, "romeo@localhost", then_us);
    forgets(w, NULL, INT64_MAX);
    has_subject(w, "<subject>His balcony</subject>");
    hush(w);
    forgets(w, "romeo@localhost", world_now(w));
    const char *told = world_next(w, JULIET);
    assert_non_null(told);
    assert_non_null(strstr(told, "from='" ROOM "'"));
    assert_non_null(strstr(told, "<subject/>"));
    assert_null(world_next(w, JULIET));
    has_subject(w, NULL);
    assert_null(world_room(w, ROOM)->subject.plain.at);
    forgets(w, "romeo@localhost", INT64_MAX); /* once is enough */
    assert_null(world_next(w, JULIET));
    names_it(w, ROMEO, "Another one");
    has_subject(w, "<subject>Another one</subject>");
    world_free(w);
}

/* Whatever stands in a subject, it is the room that says whose it is. */
static void a_subject_is_nobody_elses(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    const struct room *room = world_room(w, ROOM);
    char hers[OCCUPANT_ID_BYTES];
    occupant_id_make(room, STR("juliet@localhost"), hers);
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='s'>"
         "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='%.*s'/><subject>His</subject>"
         "<x xmlns='urn:x'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='%.*s'/></x></message>",
         OCCUPANT_ID_BYTES, hers, OCCUPANT_ID_BYTES, hers);
    hush(w);
    forgets(w, "juliet@localhost", INT64_MAX);
    has_subject(w, "<subject>His</subject>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_forgotten),   cmocka_unit_test(a_room_is_forgotten),
        cmocka_unit_test(tombstones_stay),           cmocka_unit_test(a_subject_is_forgotten),
        cmocka_unit_test(a_subject_is_nobody_elses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
