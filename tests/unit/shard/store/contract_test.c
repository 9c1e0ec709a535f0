/*
 * What every store does, played to each of them: rows, histories, lists, accounts. Pages of an
 * archive: pages_test.c; what is deleted: trim_test.c.
 */
#include "tests/support/store_expect.h"

static void row_is(const struct record_row *row, enum record_kind kind, const char *key,
                   const char *value)
{
    assert_int_equal(row->kind, kind);
    is_text(row->key, key);
    is_text(row->value, value);
}

/* ---- rows ---- */

static void rows_are_kept(void **state)
{
    UNUSED(state);
    is_absent(ROOM);
    add_put(&world, RECORD_AFFILIATION, "b@h", "member");
    add_put(&world, RECORD_HEAD, "", "head");
    add_put(&world, RECORD_AFFILIATION, "a@h", "owner");
    add_put(&world, RECORD_AFFILIATION, "c@h", "");
    commits(ROOM);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.row_count, 4);
    assert_int_equal(loaded.history_count, 0);
    row_is(&loaded.rows[0], RECORD_AFFILIATION, "a@h", "owner");
    row_is(&loaded.rows[1], RECORD_AFFILIATION, "b@h", "member");
    row_is(&loaded.rows[2], RECORD_AFFILIATION, "c@h", "");
    row_is(&loaded.rows[3], RECORD_HEAD, "", "head");
    is_absent("other@conference.example");

    add_put(&world, RECORD_AFFILIATION, "b@h", "admin");
    add_delete(&world, RECORD_AFFILIATION, "a@h");
    add_delete(&world, RECORD_AFFILIATION, "nobody@h");
    commits(ROOM);
    loaded = loads(ROOM);
    assert_int_equal(loaded.row_count, 3);
    row_is(&loaded.rows[0], RECORD_AFFILIATION, "b@h", "admin");

    add_clear(&world, RECORD_AFFILIATION);
    commits(ROOM);
    loaded = loads(ROOM);
    assert_int_equal(loaded.row_count, 1);
    row_is(&loaded.rows[0], RECORD_HEAD, "", "head");
}

/* Values are bytes: NUL and what is no UTF-8 come back. */
static void values_are_bytes(void **state)
{
    UNUSED(state);
    struct record_item item = {
        .op = RECORD_PUT,
        .kind = RECORD_HEAD,
        .key = STR(""),
        .value = STR("\0\xff\x80 x\0"),
    };
    record_add(&world.batch, &item);
    commits(ROOM);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.row_count, 1);
    assert_true(str_eq(loaded.rows[0].value, item.value));
}

static void many_rooms_in_one_commit(void **state)
{
    UNUSED(state);
    struct store_commit together[50];
    for (unsigned i = 0; i < 50; i++) {
        struct buf batch;
        buf_init(&batch, world.arena);
        struct record_item item = {.op = RECORD_PUT, .kind = RECORD_HEAD};
        item.value = str_fmt(world.arena, "head%u", i % 25);
        record_add(&batch, &item);
        /* each room twice: what comes later wins */
        together[i] = (struct store_commit){
            .room = str_fmt(world.arena, "room%u@conference.example", i / 2),
            .batch = buf_str(&batch),
            .power = i == 3,
        };
    }
    assert_int_equal(world.store->commit(world.store, together, 50), 0);
    for (unsigned i = 0; i < 25; i++) {
        struct store_room loaded = loads(str_fmt(world.arena, "room%u@conference.example", i).at);
        assert_int_equal(loaded.row_count, 1);
        is_text(loaded.rows[0].value, str_fmt(world.arena, "head%u", (i * 2 + 1) % 25).at);
    }
}

/* What cannot be read takes everything with it. */
static void all_or_nothing(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 3);
    add_put(&world, RECORD_HEAD, "", "new");
    add_append(&world, 4, "never");
    add_bury(&world, 1, "<tomb/>");
    struct str good = str_in(world.arena, buf_str(&world.batch));
    world.batch.len = 0;
    struct store_commit together[] = {
        {.room = STR(ROOM), .batch = good},
        {.room = STR("new@conference.example"), .batch = good},
        {.room = STR(ROOM), .batch = str_of("\xff\xff", 2)},
    };
    assert_int_equal(world.store->commit(world.store, together, 3), ERR_INVALID);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.row_count, 1);
    is_text(loaded.rows[0].value, "head");
    is_absent("new@conference.example");
    struct archive_query query = query_all();
    finds(&query, "m1 m2 m3 ");
    assert_false(ask(&world, ROOM, &query).rows[0].retracted);
    assert_int_equal(world.store->commit(world.store, together, 2), 0);
    is_text(loads(ROOM).rows[0].value, "new");
}

/* ---- the life of rooms ---- */

static void wiped_rooms_begin_anew(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 30);
    add_put(&world, RECORD_SESSION, "a@h/x", "inside");
    commits(ROOM);
    add_wipe(&world);
    commits(ROOM);
    is_absent(ROOM);
    struct archive_query query = query_all();
    finds(&query, "");
    add_wipe(&world); /* of nothing */
    add_put(&world, RECORD_HEAD, "", "tombstone");
    commits(ROOM);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.row_count, 1);
    assert_int_equal(loaded.history_count, 0);
    /* Wiped and made again in one commit; then what is left of the old ones goes. */
    add_wipe(&world);
    speaks(ROOM, 1, 2);
    finds(&query, "m1 m2 ");
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    finds(&query, "m1 m2 ");
    assert_int_equal(loads(ROOM).history_count, 2);
    struct str *rooms;
    unsigned count;
    assert_int_equal(world.store->occupied(world.store, world.arena, &rooms, &count), 0);
    assert_int_equal(count, 0);
}

static void messages_alone_make_no_room(void **state)
{
    UNUSED(state);
    add_append(&world, 1, "hello");
    commits(ROOM);
    is_absent(ROOM);
    add_delete(&world, RECORD_SESSION, "a@h/x");
    commits("nothing@conference.example");
    is_absent("nothing@conference.example");
}

static void occupied_rooms_are_known(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 100; i++) {
        add_put(&world, RECORD_HEAD, "", "head");
        if (i % 10 == 3) {
            add_put(&world, RECORD_SESSION, "a@h/x", "1");
            add_put(&world, RECORD_SESSION, "b@h/x", "2");
        }
        commits(str_fmt(world.arena, "room%02u@conference.example", i).at);
    }
    add_delete(&world, RECORD_SESSION, "a@h/x");
    add_delete(&world, RECORD_SESSION, "b@h/x");
    commits("room13@conference.example");
    struct str *rooms;
    unsigned count;
    assert_int_equal(world.store->occupied(world.store, world.arena, &rooms, &count), 0);
    assert_int_equal(count, 9);
    is_text(rooms[0], "room03@conference.example");
    is_text(rooms[1], "room23@conference.example");
    is_text(rooms[8], "room93@conference.example");
}

/* ---- history ---- */

static void rooms_load_with_their_history(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 5};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= 20; i++) {
        struct archived message = message_make(&world, i, "text");
        message.history = i % 2 == 0;
        add_message(&world, &message);
    }
    commits(ROOM);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, 5);
    for (unsigned i = 0; i < 5; i++)
        is_text(loaded.history[i].id, str_fmt(world.arena, "m%u", 12 + 2 * i).at);
    /* What newcomers are shown no more they never are again. */
    static const uint32_t lengths[] = {3, 50, 0, 50}, shown[] = {3, 3, 0, 0};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        show.history = lengths[i];
        add_show(&world, &show);
        commits(ROOM);
        assert_int_equal(loads(ROOM).history_count, shown[i]);
    }
}

static void first_shown(const char *id, unsigned count)
{
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, count);
    is_text(loaded.history[0].id, id);
}

static void longer_history_begins_where_the_shorter_one_did(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 3};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= 8; i++)
        add_append(&world, i, "text");
    commits(ROOM);
    show.history = 50;
    add_show(&world, &show);
    add_append(&world, 9, "text");
    commits(ROOM);
    first_shown("m6", 4);
    show.history = 2;
    add_show(&world, &show);
    show.history = 3;
    add_show(&world, &show);
    commits(ROOM);
    first_shown("m8", 2);
}

/* Where a message was a tombstone is: nothing older moves up for it. */
static void tombstones_are_where_the_message_was(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 3};
    struct record_item bury = {.op = RECORD_BURY, .message = message_make(&world, 4, NULL)};
    struct archived hidden = message_make(&world, 6, NULL);
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= 5; i++)
        add_append(&world, i, "text");
    bury.message.retracted = true;
    bury.message.history = false;
    record_add(&world.batch, &bury);
    hidden.history = false;
    add_message(&world, &hidden);
    bury.message = message_make(&world, 6, NULL);
    record_add(&world.batch, &bury);
    commits(ROOM);
    first_shown("m3", 3);
    assert_true(loads(ROOM).history[1].retracted);
    is_text(loads(ROOM).history[2].id, "m5");
}

static void every_field_comes_back(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 5};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    struct archived sent = message_make(&world, 3, "text");
    struct archived own = {.id = STR("own"), .at_us = 4000000, .nick = STR(""), .xml = STR("<m/>")};
    own.history = true;
    own.archived = true;
    own.affiliation = AFF_NONE;
    add_message(&world, &sent);
    add_message(&world, &own);
    commits(ROOM);
    const struct archived *got = loads(ROOM).history;
    is_text(got[0].id, "m3");
    is_text(got[0].nick, "nick0");
    is_text(got[0].author, "author3");
    is_text(got[0].jid, "user3@h/res3");
    is_text(got[0].sender_id, "s3");
    assert_true(str_eq(got[0].xml, sent.xml));
    is_text(got[0].body, "text");
    assert_int_equal(got[0].at_us, 3000000);
    assert_int_equal(got[0].affiliation, AFF_OWNER);
    assert_int_equal(got[0].role, ROLE_MODERATOR);
    assert_int_equal(got[0].address_at, 8);
    assert_int_equal(got[0].tail_at, sent.tail_at);
    assert_true(got[0].history && got[0].archived && !got[0].retracted && got[0].dated);
    assert_int_equal(got[0].dated_us, 17);
    /* of the room itself: what is absent stays absent */
    assert_true(str_empty(got[1].nick));
    assert_false(str_present(got[1].author) || str_present(got[1].jid));
    assert_false(str_present(got[1].sender_id) || str_present(got[1].body));
    assert_false(got[1].dated);
    assert_int_equal(got[1].affiliation, AFF_NONE);
    assert_int_equal(got[1].role, ROLE_NONE);
}

static void an_id_is_taken_once(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 3);
    add_append(&world, 2, "again");
    commits(ROOM);
    speaks("other@conference.example", 1, 3); /* the same ids in another room are others */
    struct archive_query query = query_all();
    finds(&query, "m1 m2 m3 ");
    assert_int_equal(ask(&world, ROOM, &query).total, 3);
}

static void the_buried_are_hidden(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 10);
    struct archive_query query = query_all();
    query.text = STR("five");
    finds(&query, "m5 m10 ");
    add_bury(&world, 5, "<tomb/>");
    add_bury(&world, 99, "<tomb/>"); /* nobody is there */
    commits(ROOM);
    finds(&query, "m10 ");
    query.text = STR_NONE;
    query.ids = (struct str[]){STR("m5")};
    query.id_count = 1;
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.count, 1);
    is_text(page.rows[0].xml, "<tomb/>");
    assert_false(str_present(page.rows[0].body));
    assert_true(page.rows[0].retracted);
    assert_int_equal(page.rows[0].address_at, 0);
    /* who and when are as they were, and so is the place */
    is_text(page.rows[0].nick, "nick2");
    is_text(page.rows[0].jid, "user1@h/res0");
    assert_int_equal(page.rows[0].at_us, 5000000);
    const struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, 10);
    is_text(loaded.history[4].xml, "<tomb/>");
    /* buried, then over its time: nothing stumbles over what the index does not know any more */
    assert_true(trim_all(&world, 0, 2, 0) >= 0);
    query = query_all();
    finds(&query, "m9 m10 ");
    query.text = STR("five");
    finds(&query, "m10 ");
}

/* ---- the list of rooms ---- */

static struct stored_page lists(const struct stored_query *query, const char *jids)
{
    struct stored_page page;
    world.reader->listing(world.reader, world.arena, query, &page);
    assert_int_equal(page.err, 0);
    struct buf text;
    buf_init(&text, world.arena);
    for (unsigned i = 0; i < page.count; i++)
        buf_addf(&text, "%.1s ", page.rows[i].jid.at);
    is_text(buf_str(&text), jids);
    return page;
}

static void rooms_are_listed(void **state)
{
    UNUSED(state);
    static const char *const names = "fbZdAgceh";
    for (unsigned i = 0; i < 9; i++) {
        struct record_show show = {.name = str_fmt(world.arena, "Room %c", names[i])};
        show.listed = names[i] != 'g';
        add_put(&world, RECORD_HEAD, "", "head");
        add_show(&world, &show);
        commits(str_fmt(world.arena, "%c@%s.example", names[i], names[i] == 'h' ? "elsewhere" : "c")
                    .at);
    }
    struct stored_query query = {.domain = STR("c.example"), .max = 100};
    struct stored_page page = lists(&query, "A Z b c d e f ");
    assert_true(page.counted);
    assert_int_equal(page.total, 7);
    assert_int_equal(page.first_index, 0);
    is_text(page.rows[1].jid, "Z@c.example");
    is_text(page.rows[1].name, "Room Z");
    query.max = 3;
    lists(&query, "A Z b ");
    query.after = STR("b@c.example");
    page = lists(&query, "c d e ");
    assert_int_equal(page.total, 7);
    assert_int_equal(page.first_index, 3);
    query.after = STR("bb@c.example"); /* need not exist */
    lists(&query, "c d e ");
    query.before = STR("e@c.example");
    lists(&query, "c d ");
    query = (struct stored_query){.domain = STR("c.example"), .max = 2, .backwards = true};
    page = lists(&query, "e f ");
    assert_int_equal(page.first_index, 5);
    query.before = STR("e@c.example");
    lists(&query, "c d ");
    query.max = 0;
    assert_int_equal(lists(&query, "").total, 7);
    query = (struct stored_query){.domain = STR("nowhere"), .max = 5};
    assert_int_equal(lists(&query, "").total, 0);
    /* renamed, hidden, gone */
    struct record_show show = {.name = STR("New"), .listed = true};
    add_show(&world, &show);
    commits("A@c.example");
    show.listed = false;
    add_show(&world, &show);
    commits("b@c.example");
    add_wipe(&world);
    commits("c@c.example");
    query = (struct stored_query){.domain = STR("c.example"), .max = 3};
    page = lists(&query, "A Z d ");
    is_text(page.rows[0].name, "New");
    assert_int_equal(page.total, 5);
}

/* ---- accounts ---- */

static int account_asks(enum account_op op, const char *name, const char *word,
                        struct account *loaded)
{
    struct account_ask asked = {.op = op, .err = 99, .account.name = str_copy(str_z(name))};
    if (word != NULL) {
        asked.account.sha1 = (struct scram_verifier){.salt = str_copy(str_z(word))};
        asked.account.sha1.iterations = 4096;
        asked.account.sha256.stored_key = str_copy(str_z(word));
        asked.account.sha256.server_key = str_copy(STR("server"));
        asked.account.sha256.iterations = 10000;
    }
    world.store->account(world.store, &asked);
    if (loaded != NULL)
        *loaded = asked.account;
    else
        account_fini(&asked.account);
    return asked.err;
}

static void account_is(const char *name, const char *word)
{
    struct account loaded;
    assert_int_equal(account_asks(ACCOUNT_LOAD, name, NULL, &loaded), 0);
    is_text(loaded.name, name);
    is_text(loaded.sha1.salt, word);
    assert_int_equal(loaded.sha1.iterations, 4096);
    is_text(loaded.sha256.stored_key, word);
    is_text(loaded.sha256.server_key, "server");
    assert_int_equal(loaded.sha256.iterations, 10000);
    account_fini(&loaded);
}

static void accounts_live(void **state)
{
    UNUSED(state);
    assert_int_equal(account_asks(ACCOUNT_LOAD, "romeo", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(account_asks(ACCOUNT_CHANGE, "romeo", "b", NULL), ERR_NOT_FOUND);
    assert_int_equal(account_asks(ACCOUNT_REMOVE, "romeo", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(account_asks(ACCOUNT_CREATE, "romeo", "a", NULL), 0);
    assert_int_equal(account_asks(ACCOUNT_CREATE, "romeo", "b", NULL), ERR_EXISTS);
    account_is("romeo", "a");
    assert_int_equal(account_asks(ACCOUNT_CHANGE, "romeo", "b", NULL), 0);
    account_is("romeo", "b");
    assert_int_equal(account_asks(ACCOUNT_CREATE, "juliet", "j", NULL), 0);
    assert_int_equal(account_asks(ACCOUNT_REMOVE, "romeo", NULL, NULL), 0);
    assert_int_equal(account_asks(ACCOUNT_LOAD, "romeo", NULL, NULL), ERR_NOT_FOUND);
    account_is("juliet", "j");
}

int main(void)
{
    struct CMUnitTest tests[] = {
        STORE_CASE(rows_are_kept),
        STORE_CASE(values_are_bytes),
        STORE_CASE(many_rooms_in_one_commit),
        STORE_CASE(all_or_nothing),
        STORE_CASE(wiped_rooms_begin_anew),
        STORE_CASE(messages_alone_make_no_room),
        STORE_CASE(occupied_rooms_are_known),
        STORE_CASE(rooms_load_with_their_history),
        STORE_CASE(longer_history_begins_where_the_shorter_one_did),
        STORE_CASE(tombstones_are_where_the_message_was),
        STORE_CASE(every_field_comes_back),
        STORE_CASE(an_id_is_taken_once),
        STORE_CASE(the_buried_are_hidden),
        STORE_CASE(rooms_are_listed),
        STORE_CASE(accounts_live),
    };
    return run_with_both(tests, ARRAY_LEN(tests), __FILE__);
}
