/*
 * The list of a service's public rooms where there is a store: some of them are in it, some in
 * memory only, and who asks sees one list.
 * @covers 0059#limit 0059#forwards 0059#backwards 0059#last 0059#count
 */
#include "core/base/err.h"
#include "core/base/limits.h"
#include "tests/support/talk.h"

#define SERVICE    WORLD_SERVICE
#define ALL        "abcdefghijkl"
#define ROOM_COUNT 12
#define ASKS(set)                                                                                  \
    "<iq from='" JULIET "' to='" SERVICE "' type='get' id='i'>"                                    \
    "<query xmlns='http://jabber.org/protocol/disco#items'>" set "</query></iq>"
#define SET(inside) "<set xmlns='http://jabber.org/protocol/rsm'>" inside "</set>"

/* ---- rooms of one letter ---- */

static void enters_room(struct world *w, const char *who, char letter)
{
    says(w, who,
         "<presence to='%c@" SERVICE "/me'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
         letter);
    hush(w);
}

static void leaves_room(struct world *w, const char *who, char letter)
{
    says(w, who, "<presence to='%c@" SERVICE "/me' type='unavailable'/>", letter);
    hush(w);
}

static void sets_room(struct world *w, char letter, const char *field, const char *value)
{
    says(w, ROMEO,
         "<iq id='c' type='set' to='%c@" SERVICE "'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='muc#roomconfig_%s'><value>%s</value></field></x></query></iq>",
         letter, field, value);
    hush(w);
}

static struct world *world_of(bool locked)
{
    struct world_config config = {.locked = locked, .durable = true};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    return w;
}

/* Twelve rooms; those whose letters are in `stored` are persistent. */
static struct world *twelve_rooms(const char *stored)
{
    struct world *w = world_of(false);
    for (const char *at = ALL; *at != '\0'; at++) {
        enters_room(w, ROMEO, *at);
        if (strchr(stored, *at) != NULL)
            sets_room(w, *at, "persistentroom", "1");
    }
    return w;
}

/* ---- pages ---- */

/* The letters, then " index/count"; "-" for what is not said. */
static void read_page(const char *came, char *got, size_t size)
{
    size_t len = 0;
    for (const char *at = came; (at = strstr(at, "<item jid='")) != NULL; at++) {
        assert_true(len + 1 < size);
        got[len++] = at[strlen("<item jid='")];
    }
    const char *index = strstr(came, "index='"), *count = strstr(came, "<count>");
    char first[12] = "-", all[12] = "-";
    if (index != NULL)
        snprintf(first, sizeof(first), "%d", atoi(index + strlen("index='")));
    if (count != NULL)
        snprintf(all, sizeof(all), "%d", atoi(count + strlen("<count>")));
    snprintf(got + len, size - len, " %s/%s", first, all);
}

static void page_at(struct world *w, char *set, const char *expected, int line)
{
    char got[80];
    says(w, JULIET, ASKS(SET("%s")), set);
    const char *came = world_next(w, JULIET);
    assert_non_null(came);
    read_page(came, got, sizeof(got));
    if (strcmp(got, expected) != 0)
        fail_msg("line %d: asked %s, came %s instead of %s: %s", line, set, got, expected, came);
    free(set);
}

#define page(w, expected, ...) page_at((w), text_of(__VA_ARGS__), (expected), __LINE__)

static void two_lists_are_one(void **state)
{
    struct world *w = twelve_rooms("bdehjk");
    UNUSED(state);
    page(w, "abcd 0/12", "<max>4</max>");
    page(w, "efgh 4/12", "<max>4</max><after>d@" SERVICE "</after>");
    page(w, "fghi 5/12", "<max>4</max><after>e@" SERVICE "</after>");
    page(w, "kl 10/12", "<max>4</max><after>j@" SERVICE "</after>");
    page(w, " -/12", "<max>4</max><after>l@" SERVICE "</after>");
    page(w, "ijkl 8/12", "<max>4</max><before/>");
    page(w, "efgh 4/12", "<max>4</max><before>i@" SERVICE "</before>");
    page(w, "ab 0/12", "<max>4</max><before>c@" SERVICE "</before>");
    page(w, " -/12", "<max>4</max><before>a@" SERVICE "</before>");
    page(w, " -/12", "<max>0</max>");
    page(w, ALL " 0/12", "<index>0</index>");
    page(w, "fg 5/12", "<max>2</max><after>ex@" SERVICE "</after>");
    world_free(w);
}

/* Whoever goes through it, in whatever steps, however the rooms are spread, sees all of it. */
static void go_through(struct world *w, unsigned step)
{
    char expected[80];
    for (unsigned from = 0; from < ROOM_COUNT; from += step) {
        unsigned count = from + step > ROOM_COUNT ? ROOM_COUNT - from : step;
        snprintf(expected, sizeof(expected), "%.*s %u/%d", (int)count, &ALL[from], from,
                 ROOM_COUNT);
        if (from == 0)
            page(w, expected, "<max>%u</max>", step);
        else
            page(w, expected, "<max>%u</max><after>%c@" SERVICE "</after>", step, ALL[from - 1]);
    }
    for (unsigned to = ROOM_COUNT; to > 0; to -= to < step ? to : step) {
        unsigned from = to < step ? 0 : to - step;
        snprintf(expected, sizeof(expected), "%.*s %u/%d", (int)(to - from), &ALL[from], from,
                 ROOM_COUNT);
        if (to == ROOM_COUNT)
            page(w, expected, "<max>%u</max><before/>", step);
        else
            page(w, expected, "<max>%u</max><before>%c@" SERVICE "</before>", step, ALL[to]);
    }
}

static void all_of_it_page_by_page(void **state)
{
    static const char *const stored[] = {"", "a", "l", "abcdef", "ghijkl", "acegik", "cdhi", ALL};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(stored); i++) {
        struct world *w = twelve_rooms(stored[i]);
        for (unsigned step = 1; step <= ROOM_COUNT + 1; step++)
            go_through(w, step);
        world_free(w);
    }
}

/* Nobody has touched them since the process began. */
static void rooms_that_are_not_in_memory(void **state)
{
    struct world *w = twelve_rooms("bdehjk");
    UNUSED(state);
    for (const char *at = ALL; *at != '\0'; at++)
        leaves_room(w, ROMEO, *at);
    world_restart(w, WORLD_CRASH);
    assert_null(world_room(w, "b@" SERVICE));
    page(w, "bdehjk 0/6", "<max>50</max>");
    page(w, "eh 2/6", "<max>2</max><after>d@" SERVICE "</after>");
    assert_null(world_room(w, "b@" SERVICE)); /* nor by being listed */
    enters_room(w, ROMEO, 'c');
    page(w, "bcdehjk 0/7", "<max>50</max>");
    world_free(w);
}

/* ---- which rooms ---- */

/* It is in the one list, then in the other; never in both, never in none. */
static void a_room_that_becomes_stored(void **state)
{
    struct world *w = world_of(false);
    UNUSED(state);
    page(w, " -/0", "<max>9</max>");
    enters_room(w, ROMEO, 'a');
    page(w, "a 0/1", "<max>9</max>");
    sets_room(w, 'a', "persistentroom", "1");
    page(w, "a 0/1", "<max>9</max>");
    sets_room(w, 'a', "roomname", "Alpha");
    says(w, JULIET, ASKS(""));
    const char *came = world_next(w, JULIET);
    assert_non_null(strstr(came, "<item jid='a@" SERVICE "' name='Alpha'/>"));
    assert_null(strstr(came, "<set")); /* that was all of it */
    sets_room(w, 'a', "persistentroom", "0");
    page(w, "a 0/1", "<max>9</max>");
    leaves_room(w, ROMEO, 'a');
    page(w, " -/0", "<max>9</max>");
    world_free(w);
}

/* @covers 0045#disco-rooms.public */
static void hidden_rooms(void **state)
{
    struct world *w = twelve_rooms("bdehjk");
    UNUSED(state);
    sets_room(w, 'd', "publicroom", "0");
    page(w, "abcefghijkl 0/11", "<max>50</max>");
    sets_room(w, 'c', "publicroom", "0");
    page(w, "abefghijkl 0/10", "<max>50</max>");
    sets_room(w, 'd', "publicroom", "1");
    page(w, "abdefghijkl 0/11", "<max>50</max>");
    world_free(w);
}

static void locked_and_destroyed_rooms(void **state)
{
    static const char *const persistent[] = {"persistent=on", NULL};
    struct world_config config = {.locked = true, .durable = true, .options = persistent};
    struct world *w = world_new(&config);
    UNUSED(state);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    enters_room(w, ROMEO, 'a');
    enters_room(w, ROMEO, 'b');
    page(w, " -/0", "<max>9</max>");
    sets_room(w, 'a', "roomname", "Alpha");
    sets_room(w, 'b', "roomname", "Beta");
    page(w, "ab 0/2", "<max>9</max>");
    says(w, ROMEO,
         "<iq id='d' type='set' to='a@" SERVICE "'><query "
         "xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
    page(w, "b 0/1", "<max>9</max>");
    world_restart(w, WORLD_CRASH);
    page(w, "b 0/1", "<max>9</max>");
    world_free(w);
}

/* ---- what can go wrong ---- */

static void refused_at(struct world *w, const char *set, const char *type, const char *condition)
{
    hush(w);
    says(w, JULIET, ASKS("%s"), set);
    reads_error(w, JULIET, type, condition);
    reads_nothing(w, JULIET);
}

static void what_is_refused(void **state)
{
    struct world *w = twelve_rooms("bd");
    UNUSED(state);
    refused_at(w, SET("<index>3</index>"), "cancel", "feature-not-implemented");
    refused_at(w, SET("<max>many</max>"), "modify", "bad-request");
    world_fail_queries(w, 1);
    refused_at(w, "", "wait", "internal-server-error");
    page(w, ALL " 0/12", "<max>50</max>"); /* and is over */
    world_free(w);
}

/* The answer takes its time; what is in memory is looked at when it comes. */
static void an_answer_that_is_late(void **state)
{
    struct world *w = twelve_rooms("bdehjk");
    char got[80];
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    says(w, JULIET, ASKS(SET("<max>50</max>")));
    reads_nothing(w, JULIET);
    leaves_room(w, ROMEO, 'a');
    world_settle(w);
    const char *came = world_next(w, JULIET);
    assert_non_null(came);
    read_page(came, got, sizeof(got));
    assert_string_equal(got, "bcdefghijkl 0/11");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* ---- answers that no store of tests gives ---- */

/* "b" is in memory. */
static struct listing_page one_room(void *self, struct arena *arena,
                                    const struct listing_query *query)
{
    struct listed_room *rooms = ARENA_NEW_ARRAY(arena, struct listed_room, 1);
    UNUSED(self);
    rooms[0].jid = jid_parse(arena, STR("b@" SERVICE));
    rooms[0].name = STR("");
    return (struct listing_page){rooms, query->max > 0, 0, 1};
}

/* What the service says when the store has said that; in the arena. */
static const char *says_of(struct arena *arena, const char *request,
                           const struct stored_page *stored)
{
    const struct muc_settings settings = {.domain = STR(SERVICE), .durable = true};
    const struct muc_env env = {.settings = &settings};
    struct room_lister lister = {NULL, one_room};
    struct service_view view = {.rooms = &lister};
    struct stanza *stanza = stanza_parse(str_z(request));
    assert_non_null(stanza);
    struct event event = {.kind = EV_ANSWER};
    event.answer.stanza = stanza;
    event.answer.from = jid_parse(arena, STR(JULIET));
    event.answer.to = jid_parse(arena, STR(SERVICE));
    event.answer.listed = stored;
    struct step step = {.arena = arena, .env = &env, .now_us = 1};
    service_step(&event, &view, &step);
    assert_int_equal(step.effects.count, 1);
    assert_int_equal(step.effects.at[0].kind, FX_SEND);
    const struct frame *frame = step.effects.at[0].send.frame;
    const char *said = str_in(arena, str_of(frame->bytes, frame->size)).at;
    effects_release(&step.effects);
    stanza_free(stanza);
    return said;
}

static void gives(const char *set, const struct stored_page *stored, const char *expected)
{
    struct arena *arena = arena_new(4096);
    char got[80];
    char *request = text_of(ASKS("%s"), set);
    const char *said = says_of(arena, request, stored);
    read_page(said, got, sizeof(got));
    if (strcmp(got, expected) != 0)
        fail_msg("%s instead of %s: %s", got, expected, said);
    assert_non_null(strstr(said, "<set ")); /* there may be more, or where one is is told */
    free(request);
    arena_free(arena);
}

/* Of very many rooms nobody knows how many there are; where a page stands is not said either. */
static void too_many_to_count(void **state)
{
    struct stored_listing rows[] = {{STR("a@" SERVICE), STR("")}, {STR("c@" SERVICE), STR("")}};
    struct stored_page stored = {.rows = rows, .count = 2, .total = 10001};
    UNUSED(state);
    gives(SET("<max>2</max>"), &stored, "ab -/-");
    gives(SET("<max>2</max><before/>"), &stored, "bc -/-");
    gives("", &stored, "abc -/-");
}

/* It was stored when the store was asked, and is not any more. */
static void a_room_in_both_lists(void **state)
{
    struct stored_listing rows[] = {{STR("a@" SERVICE), STR("")}, {STR("b@" SERVICE), STR("")}};
    struct stored_page stored = {.rows = rows, .count = 2, .total = 2, .counted = true};
    UNUSED(state);
    gives(SET("<max>9</max>"), &stored, "ab 0/2");
}

static void nothing_but_an_error(void **state)
{
    struct stored_page stored = {.err = ERR_IO};
    struct arena *arena = arena_new(4096);
    UNUSED(state);
    const char *said = says_of(arena, ASKS(""), &stored);
    assert_non_null(strstr(said, "<internal-server-error "));
    assert_null(strstr(said, "<item "));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_lists_are_one),
        cmocka_unit_test(all_of_it_page_by_page),
        cmocka_unit_test(rooms_that_are_not_in_memory),
        cmocka_unit_test(a_room_that_becomes_stored),
        cmocka_unit_test(hidden_rooms),
        cmocka_unit_test(locked_and_destroyed_rooms),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(an_answer_that_is_late),
        cmocka_unit_test(too_many_to_count),
        cmocka_unit_test(a_room_in_both_lists),
        cmocka_unit_test(nothing_but_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
