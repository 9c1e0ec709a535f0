/* @covers 0045#subject-occupant */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "core/xmpp/stamp.h"
#include "tests/support/talk.h"

/* @covers 0045#enter-subject.shown */
static void each_language_is_shown(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='s'><subject>Feud</subject>"
         "<subject xml:lang='de'>Fehde</subject></message>");
    says(w, ROMEO, "<presence to='" ROOM "/Montague'/>");
    world_forget(w);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Montague'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS,
          "<message from='" ROOM "/Romeo' id='s' type='groupchat'><subject>Feud</subject>"
          "<subject xml:lang='de'>Fehde</subject></message>"); /* by the name of then */
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Who set it may have another name by now, or be gone: it stays as it was sent, with its id. */
/* @covers 0045#enter-subject.shown */
static void it_outlives_who_set_it(void **state)
{
    static const char *const persistent[] = {"persistent=on", "change_subject=on", NULL};
    struct world *w = world_with(persistent);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat' id='s'><subject>Feud</subject></message>");
    const char *sent = strstr(world_next(w, ROMEO), "<stanza-id");
    assert_non_null(sent);
    char *stanza_id = text_of("%.*s", (int)(strstr(sent, "/>") - sent) + 2, sent);
    says(w, JULIET, "<presence to='" ROOM "/Capulet'/>");
    leaves(w, JULIET);
    says(w, PARIS, "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>"); /* the name does not make it his */
    reads(w, PARIS,
          "<message from='" ROOM "/Juliet' id='s' type='groupchat'><subject>Feud</subject>%s"
          "</message>",
          stanza_id);
    reads_nothing(w, PARIS);
    free(stanza_id);
    world_free(w);
}

static void largest_subject(void **state)
{
    static char text[ROOM_SUBJECT_BYTES_MAX + 1];
    struct world *w = world_with(NULL);
    (void)state;
    memset(text, 's', ROOM_SUBJECT_BYTES_MAX);
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='a'><subject>%s</subject></message>",
         text);
    reads_error(w, ROMEO, "modify", "not-acceptable");
    assert_null(world_room(w, ROOM)->subject.frame);
    text[ROOM_SUBJECT_BYTES_MAX - 1024] = '\0';
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='a'><subject>%s</subject></message>",
         text);
    reads(w, ROMEO, "<message from='" ROOM "/Romeo' id='a'><subject>%s</subject></message>", text);
    world_free(w);
}

static void most_languages(void **state)
{
    struct world *w = world_with(NULL);
    struct buf subjects;
    (void)state;
    buf_init(&subjects, NULL);
    for (unsigned i = 0; i < ROOM_SUBJECT_LANGS_MAX; i++)
        buf_addf(&subjects, "<subject xml:lang='l%u'>s</subject>", i);
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='a'>%s</message>",
         buf_str(&subjects).at);
    reads(w, ROMEO, "<message from='" ROOM "/Romeo' id='a'/>");
    buf_addz(&subjects, "<subject>one more</subject>");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='b'>%s</message>",
         buf_str(&subjects).at);
    reads_error(w, ROMEO, "modify", "not-acceptable");
    buf_free(&subjects);
    world_free(w);
}

/* The same once more is reflected all the same: the sender waits for its id. */
static void an_unchanged_subject_is_reflected(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='a'><subject>x</subject></message>");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='b'><subject>x</subject></message>");
    reads(w, ROMEO, "<message from='" ROOM "/Romeo' id='a'><subject>x</subject></message>");
    reads(w, ROMEO, "<message from='" ROOM "/Romeo' id='b'><subject>x</subject></message>");
    assert_int_equal(world_room(w, ROOM)->history.count, 0);
    world_free(w);
}

/* @covers 0045#subject-mod.refused */
static void visitors_never(void **state)
{
    static const char *const options[] = {"change_subject=on", "moderated=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='a'><subject>x</subject></message>");
    reads_error(w, PARIS, "auth", "forbidden");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* A room that is over leaves nothing to one of the same name. */
/* @covers 0045#enter-subject.empty */
static void a_new_room_has_none(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>x</subject></message>");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><body>x</body></message>");
    leaves(w, ROMEO);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS, "<message from='" ROOM "' type='groupchat'><subject/></message>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Not when the room was made, nor when somebody comes; and of a subject that was cleared as well.
 */
/* @covers 0045#enter-subject.delay 0045#enter-subject.delay-from 0045#enter-subject.cleared */
static void delay_says_when_it_was_changed(void **state)
{
    static const char *const subjects[] = {"<subject>Feud</subject>", "<subject/>"};
    struct world *w = world_with(NULL);
    struct arena *arena = arena_new(1024);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        world_advance(w, INT64_C(60000000));
        says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='s'>%s</message>", subjects[i]);
        struct str changed = stamp_text(arena, world_now(w));
        world_advance(w, INT64_C(60000000));
        world_forget(w);
        says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
        reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
        reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
        reads(w, PARIS,
              "<message from='" ROOM "/Romeo' id='s' type='groupchat'>%s"
              "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='%.*s'/></message>",
              subjects[i], (int)changed.len, changed.at);
        leaves(w, PARIS);
    }
    arena_free(arena);
    world_free(w);
}

/* ---- and the archive ---- */

static const char *const archived[] = {"persistent=on", "archive=on", "change_subject=on", NULL};

static void names(struct world *w, const char *who, const char *id, const char *inside)
{
    hush(w);
    says(w, who, "<message to='" ROOM "' type='groupchat' id='%s'>%s</message>", id, inside);
}

/* Everybody is told what was said once more; the archive has it once (8.2.4). */
static void said_again(void **state)
{
    static const char *const two = "<subject>Feud</subject><subject xml:lang='de'>Fehde</subject>";
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    names(w, ROMEO, "s1", two);
    assert_non_null(strstr(world_next(w, JULIET), "urn:xmpp:sid:0"));
    for (unsigned i = 0; i < 2; i++) {
        world_advance(w, 1000000);
        names(w, ROMEO, "s2", two);
        const char *came = world_next(w, JULIET);
        assert_non_null(strstr(came, "id='s2'"));
        assert_null(strstr(came, "urn:xmpp:sid:0")); /* the archive does not have it */
        reads(w, ROMEO, "<message id='s2'>%s</message>", two);
        assert_int_equal(archive_size(w), 1);
        world_restart(w, WORLD_CRASH);
    }
    /* Newcomers are told of the one that changed it. */
    hush(w);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(strstr(world_next(w, PARIS), "<presence"));
    reads(w, PARIS, "<message id='s1'>%s</message>", two);
    world_free(w);
}

/* Another text, another language, another person: that is a change. */
static void what_is_another_subject(void **state)
{
    static const char *const subjects[] = {
        "<subject>Feud</subject>",
        "<subject xml:lang='en'>Feud</subject>",
        "<subject>Feud</subject><subject xml:lang='de'>Fehde</subject>",
        "<subject>Peace</subject>",
        "<subject/>",
    };
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    for (unsigned i = 0; i < ARRAY_LEN(subjects); i++) {
        names(w, ROMEO, "s", subjects[i]);
        assert_non_null(strstr(world_next(w, JULIET), "urn:xmpp:sid:0"));
        assert_int_equal(archive_size(w), 2 * i + 1);
        names(w, JULIET, "s", subjects[i]);
        assert_non_null(strstr(world_next(w, ROMEO), "urn:xmpp:sid:0"));
        assert_int_equal(archive_size(w), 2 * i + 2);
    }
    world_free(w);
}

/* It counts, but is not archived (11.2); said without a hint, it is. */
static void a_subject_that_is_not_to_be_kept(void **state)
{
    static const char *const hints[] = {"no-store", "no-permanent-store"};
    UNUSED(state);
    for (unsigned i = 0; i < ARRAY_LEN(hints); i++) {
        struct world *w = kept_world_with(archived);
        char *inside = text_of("<subject>Feud</subject><%s xmlns='urn:xmpp:hints'/>", hints[i]);
        names(w, ROMEO, "s1", inside);
        const char *came = world_next(w, JULIET);
        assert_non_null(strstr(came, "<subject>Feud</subject>"));
        assert_null(strstr(came, "urn:xmpp:sid:0"));
        assert_int_equal(archive_size(w), 0);
        world_restart(w, WORLD_CRASH);
        assert_true(str_eqz(world_room(w, ROOM)->subject.plain, "Feud"));
        names(w, ROMEO, "s2", "<subject>Feud</subject>");
        assert_non_null(strstr(world_next(w, JULIET), "urn:xmpp:sid:0"));
        assert_int_equal(archive_size(w), 1);
        free(inside);
        world_free(w);
    }
}

/* Half of those who read it would think the one, half the other. */
static void no_subject_takes_a_message_back(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    names(w, ROMEO, "s", "<subject>Feud</subject>");
    names(w, ROMEO, "m", "<body>secret</body>");
    const char *came = strstr(world_next(w, JULIET), "by='" ROOM "' id='");
    assert_non_null(came);
    char *id = text_of("%.*s", STANZA_ID_BYTES, came + strlen("by='" ROOM "' id='"));
    char *inside = text_of("<subject/><retract xmlns='urn:xmpp:message-retract:1' id='%s'/>", id);
    names(w, ROMEO, "x", inside);
    reads_error(w, ROMEO, "modify", "bad-request");
    reads_nothing(w, JULIET);
    assert_true(str_eqz(world_room(w, ROOM)->subject.plain, "Feud"));
    /* With words of its own it is a message like others. */
    char *words = text_of("<subject/><body>gone</body><retract "
                          "xmlns='urn:xmpp:message-retract:1' id='%s'/>",
                          id);
    names(w, ROMEO, "y", words);
    assert_non_null(strstr(world_next(w, JULIET), "<retract "));
    assert_true(world_room(w, ROOM)->history.count > 0);
    assert_true(room_history_at(world_room(w, ROOM), 0)->retracted);
    assert_true(str_eqz(world_room(w, ROOM)->subject.plain, "Feud"));
    free(id);
    free(inside);
    free(words);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_language_is_shown),
        cmocka_unit_test(it_outlives_who_set_it),
        cmocka_unit_test(largest_subject),
        cmocka_unit_test(most_languages),
        cmocka_unit_test(an_unchanged_subject_is_reflected),
        cmocka_unit_test(visitors_never),
        cmocka_unit_test(a_new_room_has_none),
        cmocka_unit_test(delay_says_when_it_was_changed),
        cmocka_unit_test(said_again),
        cmocka_unit_test(what_is_another_subject),
        cmocka_unit_test(a_subject_that_is_not_to_be_kept),
        cmocka_unit_test(no_subject_takes_a_message_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
