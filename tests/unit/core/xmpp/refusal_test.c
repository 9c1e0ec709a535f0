/*
 * Stanza errors: their shape, what may not be answered, what is echoed.
 */
#include "core/xmpp/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CONDITIONS "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"

static struct arena *arena;

static int setup(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    arena_free(arena);
    return 0;
}

/* NULL if there is no answer. */
static const char *answer(const char *request, const struct refusal *refusal,
                          const struct refuse_more *more)
{
    struct stanza *stanza = stanza_parse(str_z(request));
    assert_non_null(stanza);
    struct frame *frame =
        refusal_frame(arena, stanza_root(stanza), refusal, STR("lounge@rooms/R"), more);
    stanza_free(stanza);
    if (frame == NULL)
        return NULL;
    struct buf out;
    buf_init(&out, arena);
    frame_write(frame, STR(" to='a@b'"), STR_NONE, &out);
    frame_unref(frame);
    return buf_str(&out).at;
}

static void plain(void **state)
{
    UNUSED(state);
    assert_string_equal(answer("<message id='1' type='groupchat'><body>x</body></message>",
                               &refusal_BAD_REQUEST, NULL),
                        "<message from='lounge@rooms/R' type='error' id='1' to='a@b'>"
                        "<error type='modify'><bad-request " CONDITIONS "/></error></message>");
    assert_string_equal(answer("<presence/>", &refusal_FULL, NULL),
                        "<presence from='lounge@rooms/R' type='error' to='a@b'>"
                        "<error type='wait'><service-unavailable " CONDITIONS "/>"
                        "<text " CONDITIONS ">The room is full</text></error></presence>");
}

static void with_more(void **state)
{
    UNUSED(state);
    struct refuse_more more = {.by = STR("lounge@rooms"),
                               .uri = STR("xmpp:other@rooms?join"),
                               .text = STR("moved & gone")};
    assert_string_equal(answer("<iq type='get' id='a'/>", &refusal_ROOM_GONE, &more),
                        "<iq from='lounge@rooms/R' type='error' id='a' to='a@b'>"
                        "<error type='cancel' by='lounge@rooms'>"
                        "<gone " CONDITIONS ">xmpp:other@rooms?join</gone>"
                        "<text " CONDITIONS ">moved &amp; gone</text></error></iq>");
    more = (struct refuse_more){.echo_muc = true};
    assert_string_equal(answer("<presence><x xmlns='http://jabber.org/protocol/muc'>"
                               "<password>secret</password></x></presence>",
                               &refusal_ROOM_GONE, &more),
                        "<presence from='lounge@rooms/R' type='error' to='a@b'>"
                        "<error type='cancel'><gone " CONDITIONS "/></error>"
                        "<x xmlns='http://jabber.org/protocol/muc'/></presence>");
    more = (struct refuse_more){.echo_payload = true};
    assert_string_equal(answer("<iq id='1' type='set'><q xmlns='urn:q' a='1'>x</q></iq>",
                               &refusal_ROOM_GONE, &more),
                        "<iq from='lounge@rooms/R' type='error' id='1' to='a@b'>"
                        "<error type='cancel'><gone " CONDITIONS "/></error>"
                        "<q xmlns='urn:q' a='1'>x</q></iq>");
    more = (struct refuse_more){.echo_subject = true};
    assert_string_equal(answer("<message> <subject>s</subject><body/>"
                               "<subject xml:lang='de'>t</subject></message>",
                               &refusal_ROOM_GONE, &more),
                        "<message from='lounge@rooms/R' type='error' to='a@b'>"
                        "<subject>s</subject><subject xml:lang='de'>t</subject>"
                        "<error type='cancel'><gone " CONDITIONS "/></error></message>");
}

/* RFC 6120: an error is not answered by an error, a result by nothing */
static void never_answered(void **state)
{
    UNUSED(state);
    static const char *const requests[] = {
        "<message type='error'/>",
        "<presence type='error'/>",
        "<iq type='error'/>",
        "<iq type='result'/>",
        "<other/>",
        "<message xmlns='urn:other'/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        assert_null(answer(requests[i], &refusal_BAD_REQUEST, NULL));
    assert_non_null(answer("<message type='result'/>", &refusal_BAD_REQUEST, NULL));
    assert_null(refusal_frame(arena, NULL, &refusal_BAD_REQUEST, STR("a"), NULL));
}

static bool is_condition(enum name name)
{
    static const enum name conditions[] = {
        NAME_BAD_REQUEST,
        NAME_CONFLICT,
        NAME_FEATURE_NOT_IMPLEMENTED,
        NAME_FORBIDDEN,
        NAME_GONE,
        NAME_INTERNAL_SERVER_ERROR,
        NAME_ITEM_NOT_FOUND,
        NAME_JID_MALFORMED,
        NAME_NOT_ACCEPTABLE,
        NAME_NOT_ALLOWED,
        NAME_NOT_AUTHORIZED,
        NAME_POLICY_VIOLATION,
        NAME_RECIPIENT_UNAVAILABLE,
        NAME_REDIRECT,
        NAME_REGISTRATION_REQUIRED,
        NAME_REMOTE_SERVER_NOT_FOUND,
        NAME_REMOTE_SERVER_TIMEOUT,
        NAME_RESOURCE_CONSTRAINT,
        NAME_SERVICE_UNAVAILABLE,
        NAME_SUBSCRIPTION_REQUIRED,
        NAME_UNDEFINED_CONDITION,
        NAME_UNEXPECTED_REQUEST,
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        if (conditions[i] == name)
            return true;
    }
    return false;
}

/* Every row makes an error RFC 6120 knows: one of five types, a condition of its list. */
static void every_row(void **state)
{
    UNUSED(state);
    static const struct refusal *const all[] = {
#define REFUSAL(id, type, condition, text, anchor) &refusal_##id,
#include "core/xmpp/refusal.def"
#undef REFUSAL
    };
    static const char *const types[] = {"auth", "cancel", "continue", "modify", "wait"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        bool known = false;
        for (size_t j = 0; j < ARRAY_LEN(types); j++)
            known = known || str_eqz(str_z(all[i]->type), types[j]);
        assert_true(known);
        assert_true(is_condition(all[i]->condition));
        assert_true(strlen(all[i]->id) > 0 && strlen(all[i]->anchor) > 0);
        assert_non_null(answer("<message/>", all[i], NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(with_more),
        cmocka_unit_test(never_answered),
        cmocka_unit_test(every_row),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
