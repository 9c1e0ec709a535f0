/*
 * What is done to a store from the command line, beside a server that has it open.
 */
#include "shard/store/store_tool.h"
#include "tests/support/store_expect.h"

#include "core/base/err.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct found {
    struct tool_lines lines;
    struct buf text;
    unsigned count;
};

static void keep_line(struct tool_lines *lines, struct str text)
{
    struct found *found = container_of(lines, struct found, lines);
    buf_add(&found->text, text);
    buf_addc(&found->text, '\n');
    found->count++;
}

static struct found found_begin(void)
{
    struct found found = {.lines.line = keep_line};
    buf_init(&found.text, world.arena);
    return found;
}

static int64_t checks(struct found *found)
{
    *found = found_begin();
    return store_tool_check(str_z(world.path), &found->lines, world.arena, &world.why);
}

/* A room as the rules write it would need a room; messages are enough for what is checked here. */
static void messages_only(unsigned count)
{
    struct record_show show = {.archived = true, .history = 20};
    add_show(&world, &show);
    for (unsigned i = 1; i <= count; i++)
        add_append(&world, i, i % 5 == 0 ? "High Five, everybody" : "just a word");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
}

static void a_check_finds_what_is_wrong(void **state)
{
    UNUSED(state);
    struct found found;
    messages_only(100);
    assert_int_equal(checks(&found), 0); /* while it is open */
    add_put(&world, RECORD_HEAD, "", "\xff no such version");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_int_equal(checks(&found), 1);
    assert_non_null(strstr(buf_str(&found.text).at, ROOM ": cannot be read"));
    add_clear(&world, RECORD_HEAD);
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    store_world_close(&world);
    assert_int_equal(checks(&found), 0); /* and while it is not */
    tampers("UPDATE room SET kept = 3");
    assert_int_equal(checks(&found), 1);
    assert_non_null(strstr(buf_str(&found.text).at, "another number of messages"));
    tampers("UPDATE room SET kept = 100; UPDATE archive SET role = 'king' WHERE id = 'm7'");
    assert_int_equal(checks(&found), 1);
    assert_non_null(strstr(buf_str(&found.text).at, ROOM ": message m7 cannot be read: its row"));
    tampers("UPDATE archive SET role = 'visitor'; UPDATE archive SET room = 99 WHERE id = 'm8'");
    assert_true(checks(&found) >= 1);
    assert_non_null(strstr(buf_str(&found.text).at, "1 messages that belong to no room"));
}

/* As the server would read them: from the row to what is sent. */
static void a_check_reads_every_message(void **state)
{
    static const struct {
        const char *tampering;
        const char *says;
    } rows[] = {
        {"xml = replace(xml, '</body>', '       ')", "its text is not one"},
        {"xml = replace(xml, 'just a', '&nbsp;')", "its text is not one"},
        {"xml = replace(xml, 'just', char(1) || 'ust')", "its text is not one"},
        {"xml = replace(xml, 'message', 'massage')", "its text is not one"},
        {"address_at = 12", "its text is not one"},
        {"tail_at = tail_at - 1", "its text is not one"},
        {"jid = '@h/x'", "the address of its sender"},
        {"affiliation = 'serf'", "its row is damaged"},
        {"id = ''", "it has no id"},
    };
    UNUSED(state);
    struct found found;
    messages_only(300);
    store_world_close(&world);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        tampers("CREATE TABLE aside AS SELECT * FROM archive WHERE id = 'm7'");
        tampers(
            str_fmt(world.arena, "UPDATE archive SET %s WHERE id = 'm7'", rows[i].tampering).at);
        assert_int_equal(checks(&found), 1);
        struct str says = str_fmt(
            world.arena, "%s: message %s cannot be read: %s", ROOM,
            strstr(rows[i].tampering, "id = ''") == rows[i].tampering ? "" : "m7", rows[i].says);
        if (strstr(buf_str(&found.text).at, says.at) == NULL)
            fail_msg("'%s' is not in: %s", says.at, buf_str(&found.text).at);
        tampers("REPLACE INTO archive SELECT * FROM aside; DROP TABLE aside");
        assert_int_equal(checks(&found), 0);
    }
    tampers("UPDATE room SET jid = 'room @x'");
    assert_int_equal(checks(&found), 1);
    assert_non_null(strstr(buf_str(&found.text).at, "room @x: no room can have that address"));
}

static void a_check_finds_broken_pages(void **state)
{
    UNUSED(state);
    struct found found;
    messages_only(2000);
    store_world_close(&world);
    tampers("SELECT count(*) FROM room"); /* copies the log back into the file when it closes it */
    int file = open(world.path, O_RDWR | O_CLOEXEC);
    char noise[4096];
    memset(noise, 0x5a, sizeof(noise));
    static const unsigned pages[] = {80, 20, 1}; /* of messages; of tables; all */
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        for (unsigned page = pages[i]; page < pages[i] + 20; page++)
            assert_int_equal(pwrite(file, noise, sizeof(noise), page * INT64_C(4096)), 4096);
        int64_t count = checks(&found);
        if (count <= 0)
            fail_msg("%lld: %s", (long long)count, world.why);
        assert_int_equal(found.count, count);
        assert_non_null(strstr(buf_str(&found.text).at, "file: "));
    }
    close(file);
    snprintf(world.path, sizeof(world.path), "%s/nothing", world.folder);
    assert_int_equal(checks(&found), ERR_NOT_FOUND);
    assert_non_null(strstr(world.why, "is not there"));
}

/* It is kept by hand, and has nothing of its own to be compared with. */
static void a_check_compares_senders(void **state)
{
    static const char *const words = "SELECT 'delete', seq, 'n' || room || 'x' || hex(nick) || ' a'"
                                     " || hex(account) || ' r' || room || 'x' || hex(account)"
                                     " FROM archive WHERE id = 'm7'";
    UNUSED(state);
    struct found found;
    messages_only(300);
    struct archived message = message_make(&world, 301, "for newcomers");
    message.archived = false;
    add_message(&world, &message);
    message = message_make(&world, 302, "the room's own");
    message.jid = STR_NONE;
    message.nick = STR("");
    add_message(&world, &message);
    commits(ROOM);
    add_bury(&world, 6, "<message from='r@h/nick0' id='s6'><retracted/></message>");
    commits(ROOM);
    assert_true(trim_all(&world, 0, 200, 0) >= 0); /* what was deleted left it, too */
    assert_int_equal(checks(&found), 0);
    tampers("INSERT INTO archive_sender(rowid, sender) VALUES(99999, 'n1x41 a42')");
    assert_int_equal(checks(&found), 1);
    assert_non_null(strstr(buf_str(&found.text).at, "senders: 2 entries belong to no message"));
    messages_only(7);
    assert_int_equal(checks(&found), 1);
    tampers(
        str_fmt(world.arena, "INSERT INTO archive_sender(archive_sender, rowid, sender) %s", words)
            .at);
    assert_int_equal(checks(&found), 2);
    assert_non_null(strstr(buf_str(&found.text).at, "senders: 3 entries are missing"));
    store_world_close(&world);
    tampers("UPDATE archive_sender_data SET block = x'ffffffff' WHERE id > 100");
    assert_int_equal(checks(&found), 1);
    is_text(buf_str(&found.text),
            "index for senders: damaged so that it cannot be read to the end\n");
}

/* Damage in the index for senders: who asks by it is refused; nobody else notices. */
static void damaged_senders_hurt_nothing_else(void **state)
{
    UNUSED(state);
    messages_only(300);
    store_world_close(&world);
    tampers("UPDATE archive_sender_data SET block = x'ffffffff' WHERE id > 100");
    assert_int_equal(store_world_reopen(&world), 0);
    struct archive_query query = query_all();
    query.with_account = STR("user2@h");
    refuses(&query, ERR_CORRUPT);
    assert_int_equal(total(ROOM, NULL), 300);
    assert_int_equal(total(ROOM, "five"), 60);
    for (unsigned i = 301; i <= 310; i++) {
        add_append(&world, i, "and on");
        commits(ROOM);
    }
    assert_int_equal(total(ROOM, NULL), 310);
    refuses(&query, ERR_CORRUPT);
}

static void a_copy_is_whole(void **state)
{
    UNUSED(state);
    messages_only(3000);
    char copy[100];
    snprintf(copy, sizeof(copy), "%s/copy.db", world.folder);
    pid_t child = fork(); /* somebody else makes the copy, while commits go on */
    if (child == 0) {
        struct arena *arena = arena_new(4096);
        const char *why;
        _exit(store_tool_backup(str_z(world.path), str_z(copy), arena, &why) == 0 ? 0 : 1);
    }
    int status = 0;
    unsigned more = 3001;
    while (waitpid(child, &status, WNOHANG) == 0) {
        add_append(&world, more++, "meanwhile");
        assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    }
    assert_int_equal(status, 0);
    assert_int_equal(store_tool_backup(str_z(world.path), str_z(copy), world.arena, &world.why),
                     ERR_EXISTS);
    assert_non_null(strstr(world.why, "there already"));
    store_world_close(&world);
    snprintf(world.path, sizeof(world.path), "%s/copy.db", world.folder);
    struct found found;
    assert_int_equal(checks(&found), 0);
    assert_int_equal(store_world_reopen(&world), 0);
    uint64_t count = total(ROOM, NULL);
    assert_in_range(count, 3000, more - 1);
    struct archive_query query = query_all();
    query.max = 1;
    query.backwards = true;
    struct archive_page page = ask(&world, ROOM, &query);
    is_text(page.rows[0].id, str_fmt(world.arena, "m%u", (unsigned)count).at);
}

static void an_archive_is_exported(void **state)
{
    UNUSED(state);
    add_append(&world, 1, "a \"quote\"\n\\ and more");
    add_append(&world, 2, "b");
    add_bury(&world, 2, "<tomb/>");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    struct found found = found_begin();
    struct found damaged = found_begin();
    assert_int_equal(store_tool_export(str_z(world.path), STR(ROOM), &found.lines, &damaged.lines,
                                       world.arena, &world.why),
                     2);
    assert_int_equal(damaged.count, 0);
    is_text(buf_str(&found.text),
            "{\"id\":\"m1\",\"at\":\"1970-01-01T00:00:01.000000Z\",\"nick\":\"nick1\","
            "\"jid\":\"user1@h/res1\",\"occupant-id\":\"author1\",\"affiliation\":\"owner\","
            "\"role\":\"moderator\",\"body\":\"a \\\"quote\\\"\\u000a\\\\ and more\","
            "\"xml\":\"<message from='r@h/nick1' id='s1'><body>a \\\"quote\\\"\\u000a\\\\ and more"
            "</body></message>\",\"retracted\":false}\n"
            "{\"id\":\"m2\",\"at\":\"1970-01-01T00:00:02.000000Z\",\"nick\":\"nick2\","
            "\"jid\":\"user2@h/res2\",\"occupant-id\":\"author2\",\"affiliation\":\"member\","
            "\"role\":\"participant\",\"xml\":\"<tomb/>\",\"retracted\":true}\n");
    assert_int_equal(store_tool_export(str_z(world.path), STR("x@y"), &found.lines, &damaged.lines,
                                       world.arena, &world.why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(world.why, "no room x@y"));
}

/* What is behind a damaged row comes all the same. */
static void an_export_goes_on_behind_damage(void **state)
{
    UNUSED(state);
    messages_only(10);
    tampers("UPDATE archive SET role = 'king' WHERE id IN ('m4', 'm7')");
    struct found found = found_begin();
    struct found damaged = found_begin();
    assert_int_equal(store_tool_export(str_z(world.path), STR(ROOM), &found.lines, &damaged.lines,
                                       world.arena, &world.why),
                     8);
    assert_int_equal(found.count, 8);
    assert_non_null(strstr(buf_str(&found.text).at, "\"id\":\"m10\""));
    is_text(buf_str(&damaged.text), "message m4 is left out: its row is damaged\n"
                                    "message m7 is left out: its row is damaged\n");
}

static void rooms_are_listed(void **state)
{
    UNUSED(state);
    struct found found = found_begin();
    assert_int_equal(store_tool_list(str_z(world.path), &found.lines, world.arena, &world.why), 0);
    speaks(ROOM, 1, 12);
    speaks("other@conference.example", 1, 3);
    assert_int_equal(store_tool_list(str_z(world.path), &found.lines, world.arena, &world.why), 2);
    is_text(buf_str(&found.text),
            "other@conference.example\t3 messages\t1 rows\n" ROOM "\t12 messages\t1 rows\n");
    assert_int_equal(store_tool_list(STR("/nowhere/x"), &found.lines, world.arena, &world.why),
                     ERR_NOT_FOUND);
}

static int group_begin(void **state)
{
    UNUSED(state);
    return prep_init();
}

static int group_end(void **state)
{
    UNUSED(state);
    prep_fini();
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_sqlite, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_check_finds_what_is_wrong),
        CASE(a_check_reads_every_message),
        CASE(a_check_finds_broken_pages),
        CASE(a_copy_is_whole),
        CASE(a_check_compares_senders),
        CASE(damaged_senders_hurt_nothing_else),
        CASE(an_archive_is_exported),
        CASE(an_export_goes_on_behind_damage),
        CASE(rooms_are_listed),
    };
    return cmocka_run_group_tests_name("tools of a store", tests, group_begin, group_end);
}
