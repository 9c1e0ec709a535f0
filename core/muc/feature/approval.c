/*
 * Registrations that an admin has to allow: every admin who is inside, comes, or becomes one, is
 * given the request as a form; the first that comes back with consent registers who asked, one that
 * comes back without it ends the request. Nothing is kept of what was asked besides the nickname.
 * @xep 0045 1.35.5 #regapprove #registrar-formtype-register
 */
#include "core/muc/registration.h"

#include <stddef.h>

#define FIELD_JID   "x-register_jid" /* the registered fields have none */
#define FIELD_ALLOW "muc#register_allow"

/* ---- asking the admins ---- */

static void write_answer(struct fb *fb, const struct register_question *question, struct str text)
{
    fb_field_begin(fb, question->var, question->type, question->label);
    fb_field_lines(fb, text);
    fb_close(fb);
}

static struct frame *consent_form(struct room *room, struct step *step,
                                  const struct registration *wanted)
{
    struct fb fb;

    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, step_id(step));
    fb_form_begin_titled(&fb, token_ns_uri(NS_MUC_REGISTER), "Registration request",
                         "Somebody asks to be registered with this room. Tick the last field and "
                         "submit to allow it, submit it as it is to refuse; cancel to leave it to "
                         "another admin.");
    fb_field(&fb, FIELD_JID, "jid-single", "User ID", wanted->account);
    fb_field(&fb, FIELD_REGISTER_NICK, "text-single", "Desired Nickname", wanted->nick);
    for (unsigned i = 0; i < REGISTER_FIELDS; i++) {
        if (!str_empty(wanted->answers[i]))
            write_answer(&fb, &register_questions[i], wanted->answers[i]);
    }
    fb_field(&fb, FIELD_ALLOW, "boolean", "Allow this person to register with the room?", STR("0"));
    fb_close(&fb);
    return fb_finish(&fb);
}

void registration_ask(struct room *room, struct step *step, const struct registration *wanted)
{
    struct frame *form = consent_form(room, step, wanted);
    const struct occupant *occupant;

    occupant_each (room, at, occupant) {
        if (occupant->affiliation >= AFF_ADMIN)
            occupant_send(step, occupant, frame_ref(form));
    }
    frame_unref(form);
}

/* With its whole domain, that is: a ban of the account itself ends the request. */
static bool is_banned(const struct room *room, const struct registration *waiting)
{
    return room_affiliation_str(room, waiting->account) == AFF_OUTCAST;
}

void registration_hand_out(struct room *room, struct step *step, const struct occupant *admin,
                           const struct session *session)
{
    const struct registration *waiting;

    map_each (&room->registrations, at, waiting) {
        if (is_banned(room, waiting))
            continue;
        struct frame *form = consent_form(room, step, waiting);
        if (session != NULL)
            effect_send(step, form, session->route, session->address);
        else
            occupant_send(step, admin, form);
    }
}

/* Whoever was asked before may have left without an answer. */
static void entered(struct room *room, struct step *step, struct session *session,
                    const struct node *x)
{
    UNUSED(x);
    if (session->occupant->affiliation >= AFF_ADMIN)
        registration_hand_out(room, step, session->occupant, session);
}

/* ---- what they say ---- */

/* Both address and nickname have to be those of a request: it may have been made anew since. */
static const struct registration *find(const struct room *room, struct step *step,
                                       const struct form *form)
{
    struct str address = form_value(form, STR(FIELD_JID));
    const struct jid *jid = str_empty(address) ? NULL : jid_parse(step->arena, address);
    const struct registration *waiting = NULL;

    if (jid != NULL)
        waiting = registration_waiting(room, jid_bare(jid));
    if (waiting == NULL || is_banned(room, waiting) ||
        !str_eq(waiting->nick, form_value(form, STR(FIELD_REGISTER_NICK))))
        return NULL;
    return waiting;
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    standing_tell_account(room, step, in, &change->affiliations[0]);
    registration_announce(room, step, change);
}

static enum step_outcome allow(struct room *room, struct step *step, const struct inbound *in,
                               const struct registration *waiting)
{
    struct str account = str_in(step->arena, waiting->account);
    struct str nick = str_in(step->arena, waiting->nick);
    const struct refusal *refusal = registration_refused(room, step, account, nick);
    const struct affiliate *row = room_affiliate(room, account);
    enum affiliation after =
        row != NULL && row->affiliation > AFF_MEMBER ? row->affiliation : AFF_MEMBER;

    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    return change_submit(room, step, registration_change(room, step, account, after, nick),
                         announce, in);
}

static enum step_outcome answer(struct room *room, struct step *step, const struct inbound *in)
{
    struct form form;
    bool allowed;

    if (in->self == NULL)
        return refuse(room, step, in, &refusal_NOT_OCCUPANT);
    if (in->affiliation < AFF_ADMIN)
        return refuse(room, step, in, &refusal_NOT_ADMIN);
    if (!form_read(step->arena, node_find(in->root, NAME_X, NS_DATA), &form))
        return refuse_form(room, step, in, &form);
    if (str_eqz(form.type, "cancel"))
        return STEP_DONE;
    if (!str_eqz(form.type, "submit") ||
        !str_to_bool(form_value(&form, STR(FIELD_ALLOW)), &allowed))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    const struct registration *waiting = find(room, step, &form);
    if (waiting == NULL)
        return refuse(room, step, in, &refusal_REGISTRATION_UNKNOWN);
    if (allowed)
        return allow(room, step, in, waiting);
    struct change change = {.kind = CHANGE_WAITING};
    change.waiting.account = str_in(step->arena, waiting->account);
    return change_submit(room, step, &change, NULL, in);
}

/* Told apart from other forms (requests for voice) by what it says it is. */
static bool is_consent(const struct room *room, const struct inbound *in)
{
    struct str type = token_ns_uri(NS_MUC_REGISTER);

    UNUSED(room);
    node_each (node_find(in->root, NAME_X, NS_DATA), field) {
        const struct node *text = node_first_any(node_find(field, NAME_VALUE, NS_DATA));
        if (str_eqz(node_attr(field, NAME_VAR), "FORM_TYPE") && text != NULL && node_is_text(text))
            return str_eq(node_text_bytes(text), type);
    }
    return false;
}

static const struct option_choice asked[] = {
    {"first", "Given name", 1u << REGISTER_FIRST, false},
    {"last", "Family name", 1u << REGISTER_LAST, false},
    {"url", "URL", 1u << REGISTER_URL, false},
    {"email", "Email address", 1u << REGISTER_EMAIL, false},
    {"faqentry", "FAQ entry", 1u << REGISTER_FAQ, false},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_APPROVE_REGISTRATION,
        .name = "approve_registration",
        .field = "x-approve_registration",
        .label = "Do admins have to allow a registration?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, approve_registration),
        .preset = "off",
        .help = "who is no member yet is registered only if an admin allows it",
    },
    {
        .id = OPTION_ID_REGISTER_FIELDS,
        .name = "register_fields",
        .field = "x-register_fields",
        .label = "What admins are told of who wants to be registered",
        .type = OPTION_SET,
        .offset = offsetof(struct room_options, register_fields),
        .choices = asked,
        .choice_count = ARRAY_LEN(asked),
        .preset = "",
        .help = "what is asked of who wants to be registered, where an admin has to allow it",
    },
};

static const struct handler handlers[] = {
    {.kinds = KIND_MESSAGE,
     .targets = TARGET_ROOM,
     .types = TYPE_NORMAL,
     .name = NAME_X,
     .ns = NS_DATA,
     .match = is_consent,
     .run = answer},
};

const struct feature feature_approval = {
    .name = "approval",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .entered = entered,
};
