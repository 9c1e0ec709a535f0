/*
 * Lists of affiliations: who reads them, in pages if they are long, and how long they can be.
 * @covers 0045#getmemberlist 0059#limit 0059#forwards 0059#backwards 0059#jump 0059#last 0059#count
 * @covers 0059#notfound
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/change.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN_NS "http://jabber.org/protocol/muc#admin"

static const char *const open_jids[] = {"whois=anyone", NULL};

static void asks(struct world *w, const char *who, const char *items)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='a'><query xmlns='" ADMIN_NS "'>%s</query></iq>",
         items);
}

static void lists(struct world *w, const char *who, const char *affiliation)
{
    says(w, who,
         "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'>"
         "<item affiliation='%s'/></query></iq>",
         affiliation);
}

static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static enum affiliation affiliation_of(struct world *w, const char *account)
{
    return room_affiliation_str(world_room(w, ROOM), str_z(account));
}

/* @covers 0045#affil-priv.member-list 0045#affil-priv.list-jids 0045#modifymember.list */
/* @covers 0045#modifyowner.readers 0045#modifyadmin.readers 0045#bizrules-iq.affiliations */
/* @covers 0045#bizrules-iq.nick */
static void lists_and_their_readers(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='member' jid='juliet@localhost' nick='Juliet'>"
         "<reason>Fair</reason></item>");
    sets(w, ROMEO, "<item affiliation='admin' jid='paris@localhost'/>");
    lists(w, PARIS, "member");
    reads(w, PARIS,
          "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'><item affiliation='member' "
          "jid='juliet@localhost' nick='Juliet'><reason>Fair</reason></item></query></iq>");
    lists(w, PARIS, "outcast");
    reads(w, PARIS, "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'/></iq>");
    lists(w, PARIS, "admin");
    reads(w, PARIS,
          "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'><item affiliation='admin' "
          "jid='paris@localhost'/></query></iq>");
    lists(w, PARIS, "owner");
    reads_error(w, PARIS, "auth", "forbidden");
    world_forget(w);
    lists(w, JULIET, "member");
    reads_error(w, JULIET, "auth", "forbidden");
    lists(w, ROMEO, "none");
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'>"
         "<item affiliation='member'/><item affiliation='admin'/></query></iq>");
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'><item role='visitor' "
         "affiliation='member'/></query></iq>");
    reads_error(w, ROMEO, "modify", "bad-request");
    world_free(w);
}

/* Where JIDs are public, members read all lists, inside or not; strangers read none. */
/* @covers 0045#modifymember.absent */
static void members_read_lists_where_jids_are_public(void **state)
{
    struct world *w = company(open_jids);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    leaves(w, JULIET);
    lists(w, JULIET, "owner");
    reads(w, JULIET,
          "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'><item affiliation='owner' "
          "jid='romeo@localhost'/></query></iq>");
    lists(w, PARIS, "owner");
    reads_error(w, PARIS, "auth", "forbidden");
    enters(w, JULIET, "Juliet");
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    lists(w, JULIET, "member"); /* it is the role inside that counts */
    reads_error(w, JULIET, "auth", "forbidden");
    world_free(w);
}

static void reads_page(struct world *w, const char *first, unsigned index, const char *last,
                       unsigned count)
{
    reads(w, ROMEO,
          "<iq type='result' id='p' from='" ROOM "'><query xmlns='" ADMIN_NS
          "' scansion:strict='false'><set xmlns='http://jabber.org/protocol/rsm'>"
          "<first index='%u'>%s</first><last>%s</last><count>%u</count></set></query></iq>",
          index, first, last, count);
}

static void asks_page(struct world *w, const char *set)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='get' id='p'><query xmlns='" ADMIN_NS "'>"
         "<item affiliation='member'/><set xmlns='http://jabber.org/protocol/rsm'>%s</set></query>"
         "</iq>",
         set);
}

static void lists_in_pages(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='member' jid='a@localhost'/>"
         "<item affiliation='member' jid='b@localhost'/>"
         "<item affiliation='member' jid='c@localhost'/>"
         "<item affiliation='outcast' jid='d@localhost'/>"
         "<item affiliation='member' jid='e@localhost'/>");
    asks_page(w, "<max>2</max>");
    reads_page(w, "a@localhost", 0, "b@localhost", 4);
    asks_page(w, "<max>2</max><after>b@localhost</after>");
    reads_page(w, "c@localhost", 2, "e@localhost", 4);
    asks_page(w, "<max>2</max><before/>");
    reads_page(w, "c@localhost", 2, "e@localhost", 4);
    asks_page(w, "<max>2</max><before>c@localhost</before>");
    reads_page(w, "a@localhost", 0, "b@localhost", 4);
    asks_page(w, "<index>3</index>");
    reads_page(w, "e@localhost", 3, "e@localhost", 4);
    asks_page(w, "<max>0</max>"); /* how many are there? */
    reads(w, ROMEO,
          "<iq type='result' id='p' from='" ROOM "'><query xmlns='" ADMIN_NS "'>"
          "<set xmlns='http://jabber.org/protocol/rsm'><count>4</count></set></query></iq>");
    asks_page(w, "<after>e@localhost</after>");
    reads(w, ROMEO,
          "<iq type='result' id='p' from='" ROOM "'><query xmlns='" ADMIN_NS "'>"
          "<set xmlns='http://jabber.org/protocol/rsm'><count>4</count></set></query></iq>");
    asks_page(w, "<after>d@localhost</after>"); /* not of this list */
    reads_error(w, ROMEO, "cancel", "item-not-found");
    asks_page(w, "<before>nobody@localhost</before>");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    asks_page(w, "<max>two</max>");
    reads_error(w, ROMEO, "modify", "bad-request");
    lists(w, ROMEO, "member"); /* all of it, and nothing about pages */
    const char *whole = world_next(w, ROMEO);
    assert_non_null(whole);
    assert_non_null(strstr(whole, "e@localhost"));
    assert_null(strstr(whole, "rsm"));
    world_free(w);
}

/* All that can be there can be read, page by page, with the longest texts and from both ends. */
static void longest_lists_can_be_read(void **state)
{
    enum { ROWS = 900 };
    struct world *w = company(NULL);
    char reason[REASON_BYTES_MAX + 1];
    unsigned seen[2] = {0, 0};
    (void)state;
    memset(reason, '\'', REASON_BYTES_MAX); /* six bytes each, as it is written */
    reason[REASON_BYTES_MAX] = '\0';
    struct affiliation_change *added = calloc(ROWS, sizeof(*added));
    char(*jids)[32] = calloc(ROWS, sizeof(*jids));
    struct change change = {.kind = CHANGE_AFFILIATIONS, .affiliations = added};
    for (; change.affiliation_count < ROWS; change.affiliation_count++) {
        unsigned at = change.affiliation_count;
        snprintf(jids[at], sizeof(jids[at]), "u%u@localhost", at);
        added[at] = (struct affiliation_change){.jid = str_z(jids[at]),
                                                .before = AFF_NONE,
                                                .after = AFF_MEMBER,
                                                .reason = str_z(reason)};
    }
    change_apply(world_room(w, ROOM), &change);
    for (unsigned backwards = 0; backwards < 2; backwards++) {
        char set[64], jid[32] = "";
        snprintf(set, sizeof(set), "%s", backwards == 1 ? "<before/>" : "");
        for (unsigned pages = 0; pages < ROWS; pages++) {
            if (pages == 0 && backwards == 0)
                lists(w, ROMEO, "member");
            else
                asks_page(w, set);
            const char *page = world_next(w, ROMEO), *last;
            assert_non_null(page);
            assert_true(strlen(page) < FRAME_BYTES_MAX);
            const char *item = page;
            while ((item = strstr(item, "<item ")) != NULL) {
                seen[backwards]++;
                item++;
            }
            last = strstr(page, backwards == 1 ? "<first" : "<last>");
            if (last == NULL)
                break;
            assert_int_equal(sscanf(strchr(last, '>'), ">%31[^<]", jid), 1);
            snprintf(set, sizeof(set), backwards == 1 ? "<before>%s</before>" : "<after>%s</after>",
                     jid);
            world_forget(w);
        }
        assert_int_equal(seen[backwards], ROWS);
    }
    free(added);
    free(jids);
    world_free(w);
}

static void bans_some(struct world *w, unsigned set, unsigned count)
{
    size_t size = (size_t)count * 80 + 1, at = 0;
    char *items = calloc(size, 1);
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(items + at, size - at,
                               "<item affiliation='outcast' jid='b%u@s%u.example'/>", i, set);
    asks(w, ROMEO, items);
    free(items);
}

static void reads_result(struct world *w, const char *who)
{
    const char *came;
    do {
        came = world_next(w, who);
        assert_non_null(came);
    } while (strstr(came, "<iq ") == NULL);
    assert_non_null(strstr(came, " type='result'"));
    world_forget(w);
}

/* As on a real stentord, all accounts are real ones only for the room: it knows none of them. */
static void room_has_a_largest_number_of_affiliations(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    uint32_t at = 0;
    (void)state;
    struct affiliation_change *added = calloc(ROOM_AFFILIATIONS_MAX, sizeof(*added));
    char(*jids)[32] = calloc(ROOM_AFFILIATIONS_MAX, sizeof(*jids));
    struct change change = {.kind = CHANGE_AFFILIATIONS, .affiliations = added};
    while (room->affiliations.count + at < ROOM_AFFILIATIONS_MAX - 1) {
        snprintf(jids[at], sizeof(jids[at]), "u%u@localhost", (unsigned)at);
        added[at] = (struct affiliation_change){
            .jid = str_z(jids[at]), .before = AFF_NONE, .after = AFF_MEMBER};
        at++;
    }
    change.affiliation_count = at;
    change_apply(room, &change);
    asks(w, ROMEO,
         "<item affiliation='member' jid='a@localhost'/>"
         "<item affiliation='member' jid='b@localhost'/>");
    reads_error(w, ROMEO, "wait", "resource-constraint");
    asks(w, ROMEO, "<item affiliation='member' jid='a@localhost'/>");
    assert_int_equal(affiliation_of(w, "a@localhost"), AFF_MEMBER);
    world_forget(w);
    for (unsigned set = 0; set < ROOM_BANS_RESERVE / ADMIN_ITEMS_MAX; set++) {
        bans_some(w, set, ADMIN_ITEMS_MAX); /* whoever is to stay out is told so even now */
        reads_result(w, ROMEO);
    }
    bans_some(w, ROOM_BANS_RESERVE, 1);
    reads_error(w, ROMEO, "wait", "resource-constraint");
    assert_int_equal(room->affiliations.count, ROOM_AFFILIATIONS_MAX + ROOM_BANS_RESERVE);
    lists(w, ROMEO, "member");
    reads(w, ROMEO,
          "<iq type='result' id='l' from='" ROOM "'><query xmlns='" ADMIN_NS
          "' scansion:strict='false'><set xmlns='http://jabber.org/protocol/rsm' "
          "scansion:strict='false'><count>%u</count></set></query></iq>",
          (unsigned)ROOM_AFFILIATIONS_MAX - 1);
    free(added);
    free(jids);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_their_readers),
        cmocka_unit_test(members_read_lists_where_jids_are_public),
        cmocka_unit_test(lists_in_pages),
        cmocka_unit_test(longest_lists_can_be_read),
        cmocka_unit_test(room_has_a_largest_number_of_affiliations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
