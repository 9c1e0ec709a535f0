/* @covers 0359#stanza-id 0359#rules */
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* The id the room gave to what the client reads next; heap. */
static char *id_given(struct world *w, const char *who)
{
    static const char *const begin = "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "' id='";
    const char *came = world_next(w, who);
    assert_non_null(came);
    const char *at = strstr(came, begin);
    assert_non_null(at);
    assert_null(strstr(at + 1, begin));
    at += strlen(begin);
    return text_of("%.*s", (int)strcspn(at, "'"), at);
}

static void the_same_for_all_and_later(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><body>1</body></message>");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>2</subject></message>");
    char *one = id_given(w, ROMEO), *two = id_given(w, ROMEO);
    char *other_one = id_given(w, JULIET), *other_two = id_given(w, JULIET);
    assert_string_equal(one, other_one);
    assert_string_equal(two, other_two);
    assert_string_not_equal(one, two);
    world_forget(w);
    join(w, PARIS, "Paris");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    char *later_one = id_given(w, PARIS), *later_two = id_given(w, PARIS);
    assert_string_equal(one, later_one);
    assert_string_equal(two, later_two);
    free(one);
    free(two);
    free(other_one);
    free(other_two);
    free(later_one);
    free(later_two);
    world_free(w);
}

/* However the sender writes the room's name, with or without a resource. */
static void forged_ones_go(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat'><body>1</body>"
         "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "' id='f1'/>"
         "<stanza-id xmlns='urn:xmpp:sid:0' by='LOUNGE@CONFERENCE.LOCALHOST' id='f2'/>"
         "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "/Romeo' id='f3'/></message>");
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    static const char *const forged[] = {"'f1'", "'f2'", "'f3'"};
    for (size_t i = 0; i < ARRAY_LEN(forged); i++)
        assert_null(strstr(came, forged[i]));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_for_all_and_later),
        cmocka_unit_test(forged_ones_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
