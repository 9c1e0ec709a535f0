/*
 * Registration with a room: an account takes a nickname for its own, becomes a member by it, and
 * gives both up again. The nickname is kept from everybody else even while its holder is away;
 * where the room insists on reserved nicknames, who registers inside is renamed at once.
 * @xep 0045 1.35.5 #register #registrar-formtype-register
 * @xep 0077 2.4 #usecases-register #usecases-cancel
 */
#include "core/muc/registration.h"

#include "core/xmpp/disco.h"
#include "core/xmpp/prep.h"

#include <stddef.h>

/* The account's reserved nickname; empty: it is not registered (SEMANTICS 7.3). */
static struct str reserved_nick(const struct room *room, const struct inbound *in)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));

    return row == NULL ? STR_NONE : row->nick;
}

/* What stands in the room's own list: a service's admin does not become an owner by registering. */
static enum affiliation listed(const struct room *room, const struct inbound *in)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));

    return row == NULL ? AFF_NONE : row->affiliation;
}

static const struct refusal *sender_refused(const struct room *room, const struct inbound *in)
{
    if (in->affiliation == AFF_OUTCAST)
        return &refusal_OUTCAST;
    if (in->affiliation == AFF_NONE && !room->options.allow_register)
        return &refusal_REGISTRATION_REQUIRED;
    return NULL;
}

/* ---- asking for the form ---- */

static void write_question(struct fb *fb, const struct register_question *question)
{
    fb_field_begin(fb, question->var, question->type, question->label);
    if (question->required)
        fb_field_required(fb);
    fb_close(fb);
}

static void write_form(struct fb *fb, uint32_t questions)
{
    static const struct register_question nick = {FIELD_REGISTER_NICK, "text-single", "Nickname",
                                                  true};

    fb_form_begin(fb, "form", NS_MUC_REGISTER);
    write_question(fb, &nick);
    for (unsigned i = 0; i < REGISTER_FIELDS; i++) {
        if ((questions & 1u << i) != 0)
            write_question(fb, &register_questions[i]);
    }
    fb_close(fb);
}

static enum step_outcome get_form(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = sender_refused(room, in);
    struct str nick = reserved_nick(room, in);
    struct fb fb;

    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_REGISTER);
    if (str_empty(nick)) {
        write_form(&fb, registration_questions(room, in->affiliation));
    } else {
        fb_empty(&fb, NAME_REGISTERED, NS_REGISTER);
        fb_leaf(&fb, NAME_USERNAME, NS_REGISTER, nick);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* ---- a change ---- */

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    registration_announce(room, step, change);
    reply_result(room, step, in);
}

static enum step_outcome submit(struct room *room, struct step *step, const struct inbound *in,
                                enum affiliation after, struct str nick)
{
    struct change *change = registration_change(room, step, jid_bare(in->from), after, nick);

    change->affiliations[0].own = true;
    return change_submit(room, step, change, announce, in);
}

/* ---- registering ---- */

/* NULL and *nick, or what is wrong with the form. */
static const struct refusal *read_nick(struct step *step, const struct form *form, struct str *nick)
{
    struct str wanted = form_value(form, STR(FIELD_REGISTER_NICK));

    if (!str_eqz(form->type, "submit") || !str_eq(form->form_type, token_ns_uri(NS_MUC_REGISTER)))
        return &refusal_FORM_TYPE;
    if (str_empty(wanted) ||
        prep_nick(step->arena, wanted, &step->env->settings->nick, nick) != NICK_OK)
        return &refusal_REGISTER_NICK;
    return NULL;
}

/* False: an answer is missing or too long. */
static bool read_answers(struct step *step, const struct form *form, uint32_t questions,
                         struct registration *wanted)
{
    for (unsigned i = 0; i < REGISTER_FIELDS; i++) {
        const struct form_field *field = form_field(form, str_z(register_questions[i].var));
        struct buf text;
        buf_init(&text, step->arena);
        if ((questions & 1u << i) == 0)
            continue;
        for (unsigned v = 0; field != NULL && v < field->value_count; v++) {
            buf_addz(&text, v == 0 ? "" : "\n");
            buf_add(&text, field->values[v]);
        }
        if (text.len > ROOM_TEXT_BYTES_MAX ||
            (register_questions[i].required && str_empty(str_trim(buf_str(&text)))))
            return false;
        wanted->answers[i] = buf_str(&text);
    }
    return true;
}

static void applied_for(struct room *room, struct step *step, const struct change *change,
                        const struct inbound *in)
{
    reply_result(room, step, in);
    room_asked(room, change->waiting.account, ASKED_REGISTRATION, step->now_us);
    registration_ask(room, step, change->waiting.wanted);
}

/* Registering waits for an admin's word; that it was received is answered at once (7.17). */
static enum step_outcome apply_for(struct room *room, struct step *step, const struct inbound *in,
                                   const struct registration *wanted)
{
    const struct registration *waiting = registration_waiting(room, wanted->account);
    int64_t asked_us = room_asked_us(room, wanted->account, ASKED_REGISTRATION);
    bool soon = asked_us != 0 && step->now_us - asked_us < REGISTERING_SECONDS * INT64_C(1000000);
    struct change change = {.kind = CHANGE_WAITING};

    if (waiting != NULL && registration_equal(waiting, wanted)) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    /* Each is a form for every admin: they are not to be worn down, whatever became of the last. */
    if (soon)
        return refuse(room, step, in, &refusal_REGISTER_TOO_SOON);
    if (!registration_fits(room, wanted->account))
        return refuse(room, step, in, &refusal_ROOM_BUSY);
    change.waiting.account = wanted->account;
    change.waiting.wanted = wanted;
    return change_submit(room, step, &change, applied_for, in);
}

static enum step_outcome enrol(struct room *room, struct step *step, const struct inbound *in)
{
    const struct node *x = node_find(in->payload, NAME_X, NS_DATA);
    const struct refusal *refusal;
    enum affiliation held = listed(room, in);
    struct registration wanted = {.account = jid_bare(in->from)};
    struct form form;

    if (!form_read(step->arena, x, &form))
        return refuse_form(room, step, in, &form);
    if (str_eqz(form.type, "cancel")) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    refusal = read_nick(step, &form, &wanted.nick);
    if (refusal == NULL &&
        !read_answers(step, &form, registration_questions(room, in->affiliation), &wanted))
        refusal = &refusal_REGISTER_ANSWERS;
    if (refusal == NULL)
        refusal = registration_refused(room, step, wanted.account, wanted.nick);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    if (str_eq(reserved_nick(room, in), wanted.nick)) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    if (registration_needs_consent(room, in->affiliation))
        return apply_for(room, step, in, &wanted);
    return submit(room, step, in, held > AFF_MEMBER ? held : AFF_MEMBER, wanted.nick);
}

/* ---- unregistering ---- */

static void withdrawn(struct room *room, struct step *step, const struct change *change,
                      const struct inbound *in)
{
    UNUSED(change);
    reply_result(room, step, in);
}

/* Who waits to be registered waits no longer. A member who never took a nickname may still give up
 * membership; admins and owners lose only the nickname (7.7). */
static enum step_outcome withdraw(struct room *room, struct step *step, const struct inbound *in)
{
    enum affiliation held = listed(room, in);
    bool member = held == AFF_MEMBER;

    if (registration_waiting(room, jid_bare(in->from)) != NULL) {
        struct change change = {.kind = CHANGE_WAITING, .waiting.account = jid_bare(in->from)};
        return change_submit(room, step, &change, withdrawn, in);
    }
    if (!member && str_empty(reserved_nick(room, in)))
        return refuse(room, step, in, &refusal_NOT_REGISTERED);
    return submit(room, step, in, member ? AFF_NONE : held, STR(""));
}

static enum step_outcome set(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = sender_refused(room, in);
    bool remove = node_find(in->payload, NAME_REMOVE, NS_REGISTER) != NULL;

    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    if (remove && node_count(in->payload, NAME_NONE, NS_NONE) > 1)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    return remove ? withdraw(room, step, in) : enrol(room, step, in);
}

/* Where nobody can register, the room does not know such requests (7.2). */
static bool is_on(const struct room *room, const struct inbound *in)
{
    UNUSED(in);
    return room->options.registration;
}

static void disco(const struct room *room, struct fb *fb)
{
    if (room->options.registration)
        fb_feature_ns(fb, NS_REGISTER);
}

static const struct option options[] = {
    {.id = OPTION_ID_REGISTRATION,
     .name = "registration",
     .label = "Can nicknames be registered?",
     .type = OPTION_BOOL,
     .offset = offsetof(struct room_options, registration),
     .preset = "on",
     .help = "nicknames can be registered with rooms"},
    {.id = OPTION_ID_ALLOW_REGISTER,
     .name = "allow_register",
     .field = "{xmpp:prosody.im}muc#allow_unaffiliated_register",
     .aliases = {"muc#roomconfig_allow_register"},
     .label = "Let anybody register a nickname and become a member?",
     .type = OPTION_BOOL,
     .offset = offsetof(struct room_options, allow_register),
     .preset = "off",
     .help = "anybody may register a nickname with the room, not only members"},
};

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_REGISTER,
     .match = is_on,
     .run = get_form},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_REGISTER,
     .match = is_on,
     .run = set},
};

const struct feature feature_register = {
    .name = "register",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
