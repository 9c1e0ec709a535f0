/* @covers 0045#terms-rooms 0045#registrar-formtype-owner */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/option.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

static bool sets_option(const char *name, const char *value, const char **why)
{
    const struct option *option = option_by_name(str_z(name));
    struct room_options options;
    bool possible;

    assert_non_null(option);
    options_preset(&options);
    possible = option_set_text(&options, option, str_z(value), why);
    room_options_fini(&options);
    return possible;
}

/* Whether there is an archive for it the option does not know: who is given it does. */
static void archive_is_a_switch(void **state)
{
    const char *why = NULL;
    (void)state;
    assert_true(sets_option("archive", "off", &why));
    assert_true(sets_option("archive", "0", &why));
    assert_true(sets_option("archive", "on", &why));
    assert_false(sets_option("archive", "perhaps", &why));
    assert_string_equal(option_by_name(STR("archive"))->field, "muc#roomconfig_enablearchiving");
}

static void presets(void **state)
{
    struct room_options options;
    (void)state;
    options_preset(&options);
    assert_true(options.is_public);
    assert_false(options.persistent);
    assert_false(options.archive);
    assert_false(options.public_list);
    assert_false(options.allow_register);
    assert_true(options.allow_invites);
    assert_true(options.voice_requests);
    assert_true(str_empty(options.name));
    room_options_fini(&options);
}

static void texts_have_a_largest_size(void **state)
{
    static const struct {
        const char *name;
        size_t max;
    } rows[] = {
        {"name", ROOM_TEXT_BYTES_MAX},     {"description", ROOM_DESC_BYTES_MAX},
        {"language", ROOM_LANG_BYTES_MAX}, {"logs_url", ROOM_TEXT_BYTES_MAX},
        {"pubsub", ROOM_TEXT_BYTES_MAX},
    };
    static char text[ROOM_DESC_BYTES_MAX + 2];
    const char *why = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(text, 't', sizeof(text));
        text[rows[i].max + 1] = '\0';
        assert_false(sets_option(rows[i].name, text, &why));
        text[rows[i].max] = '\0';
        assert_true(sets_option(rows[i].name, text, &why));
    }
}

static void contacts_have_a_largest_size(void **state)
{
    enum { EACH = 16 }; /* with what is between them */
    static char text[ROOM_TEXT_BYTES_MAX + EACH + 1];
    const char *why = NULL;
    (void)state;
    static_assert(ROOM_TEXT_BYTES_MAX % EACH == 0, "they fill it, less the last separator");
    for (size_t at = 0; at < ROOM_TEXT_BYTES_MAX; at += EACH)
        snprintf(text + at, EACH + 1, "u%07u@server,", (unsigned)at);
    text[ROOM_TEXT_BYTES_MAX] = 'a';
    assert_false(sets_option("contact", text, &why));
    assert_string_equal(why, "must be addresses of the form user@server, together at most 1024 "
                             "bytes");
    text[ROOM_TEXT_BYTES_MAX] = '\0';
    assert_true(sets_option("contact", text, &why));
}

/* Who enters such a room is let in, and warned (7.2.12); the others have been when it became so. */
/* @covers 0045#enter-logging.let-in 0045#enter-logging.warning */
static void who_enters_a_published_room_is_warned(void **state)
{
    static const char *const options[] = {"logged=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, JULIET, "Juliet");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='170'/>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "' scansion:strict='true'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/></x></presence>");
    configures(w, ROMEO, "muc#roomconfig_enablelogging", "0");
    join(w, PARIS, "Paris");
    while (world_unread(w, PARIS) > 0)
        assert_null(strstr(world_next(w, PARIS), "'170'"));
    world_free(w);
}

static void temporary_room_ends_with_its_last_visitor(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    leaves(w, ROMEO);
    assert_non_null(world_room(w, ROOM));
    leaves(w, JULIET);
    assert_null(world_room(w, ROOM));
    enters(w, PARIS, "Paris"); /* the ban went with it */
    assert_int_equal(world_room(w, ROOM)->owner_count, 1);
    world_free(w);
}

static void persistent_room_stays(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    configures(w, ROMEO, "muc#roomconfig_persistentroom", "1");
    configures(w, ROMEO, "muc#roomconfig_roomname", "Vault");
    leaves(w, ROMEO);
    assert_non_null(world_room(w, ROOM));
    assert_true(str_eqz(world_room(w, ROOM)->options.name, "Vault"));
    enters(w, JULIET, "Juliet");
    configures(w, ROMEO, "muc#roomconfig_persistentroom", "0"); /* temporary from now on */
    assert_non_null(world_room(w, ROOM));
    leaves(w, JULIET);
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* The list of rooms follows at once. */
/* @covers 0045#disco-rooms.public */
static void hidden_rooms_are_not_listed(void **state)
{
    const char *ask = "<iq to='" WORLD_SERVICE "' type='get' id='r'>"
                      "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>";
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    configures(w, ROMEO, "muc#roomconfig_roomname", "Verona");
    say(w, PARIS, ask);
    reads(w, PARIS,
          "<iq type='result' id='r'><query xmlns='http://jabber.org/protocol/disco#items'>"
          "<item jid='" ROOM "' name='Verona'/></query></iq>");
    configures(w, ROMEO, "muc#roomconfig_publicroom", "0");
    say(w, PARIS, ask);
    reads(w, PARIS,
          "<iq type='result' id='r'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archive_is_a_switch),
        cmocka_unit_test(presets),
        cmocka_unit_test(texts_have_a_largest_size),
        cmocka_unit_test(contacts_have_a_largest_size),
        cmocka_unit_test(who_enters_a_published_room_is_warned),
        cmocka_unit_test(temporary_room_ends_with_its_last_visitor),
        cmocka_unit_test(persistent_room_stays),
        cmocka_unit_test(hidden_rooms_are_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
