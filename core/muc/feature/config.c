/*
 * The owner's form: what a room can be set to, changing it, opening a new room by it, and telling
 * everybody what has changed. A submission is checked as a whole before any of it takes effect;
 * fields it leaves out keep their values.
 *
 * The fields are the option rows of all features, and three that are no options: whether a password
 * is needed (it follows from there being one), and the complete lists of admins and owners.
 * @xep 0045 1.35.5 #roomconfig #roomconfig-notify #createroom-instant #createroom-reserved
 * @xep 0045 1.35.5 #registrar-formtype-owner #createroom-general.form #createroom-general.unlocked
 * @xep 0045 1.35.5 #createroom-general.cancelled
 */
#include "core/muc/destruction.h"
#include "core/muc/feature.h"
#include "core/muc/notice.h"
#include "core/muc/staff.h"

#define ROOMCONFIG      STR("http://jabber.org/protocol/muc#roomconfig")
#define FIELD_PROTECTED "muc#roomconfig_passwordprotectedroom"
#define FIELD_ADMINS    "muc#roomconfig_roomadmins"
#define FIELD_OWNERS    "muc#roomconfig_roomowners"

/* ---- values ---- */

static bool is_on(const struct option *option, const struct room_options *options)
{
    const void *value = (const char *)options + option->offset;

    switch (option->type) {
    case OPTION_BOOL:
        return *(const bool *)value;
    case OPTION_TEXT:
    case OPTION_MULTI:
    case OPTION_JIDS:
    case OPTION_SECRET:
        return !str_empty(*(const struct str *)value);
    case OPTION_NUMBER:
    case OPTION_CHOICE:
    case OPTION_SET:
        break;
    }
    return *(const uint32_t *)value != 0;
}

/* What an owner may not turn on it is not offered, and it cannot be submitted. */
static bool may_be_on(const struct room *room, const struct inbound *in,
                      const struct option *option)
{
    if (option->id == OPTION_ID_ARCHIVE && !room->env->settings->durable)
        return false;
    return permit_option(room->env->settings, option, jid_bare(in->from)) ||
           is_on(option, &room->options);
}

/* ---- the form ---- */

static void write_staff(struct fb *fb, const struct room *room, enum affiliation affiliation,
                        const char *var, const char *label)
{
    const struct affiliate *row;

    fb_field_begin(fb, var, "jid-multi", label);
    map_each (&room->affiliations, at, row) {
        if (row->affiliation == affiliation)
            fb_field_value(fb, row->jid);
    }
    fb_close(fb);
}

static void write_form(struct fb *fb, const struct room *room, const struct inbound *in)
{
    unsigned count;
    const struct option *const *options = options_all(&count);

    fb_form_begin_titled(fb, ROOMCONFIG, "Configuration of the room",
                         "Fields that are left out of the answer keep their values.");
    for (unsigned i = 0; i < count; i++) {
        if (options[i]->field == NULL || !may_be_on(room, in, options[i]))
            continue;
        if (options[i]->type == OPTION_SECRET)
            fb_field(fb, FIELD_PROTECTED, "boolean", "Is a password needed to enter?",
                     str_empty(room->options.password) ? STR("0") : STR("1"));
        option_write_field(fb, options[i], &room->options);
    }
    if (staff_fits_form(room)) {
        write_staff(fb, room, AFF_ADMIN, FIELD_ADMINS, "Admins of the room (all of them)");
        write_staff(fb, room, AFF_OWNER, FIELD_OWNERS, "Owners of the room (all of them)");
    }
    fb_close(fb);
}

static enum step_outcome get(struct room *room, struct step *step, const struct inbound *in)
{
    struct fb fb;

    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_MUC_OWNER);
    write_form(&fb, room, in);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* ---- what follows a change, in the order of SEMANTICS 13.6; it has no actor (4.1.4) ---- */

/* Who is not affiliated has to leave a room that has become members-only (13.10). */
static void remove_strangers(struct room *room, struct step *step)
{
    struct news news = {.statuses = STATUS_BIT(322)};
    struct leavers strangers = leavers_begin(step, room->occupant_count);
    struct occupant *occupant;

    occupant_each (room, at, occupant) {
        if (occupant->affiliation == AFF_NONE)
            leavers_add(&strangers, occupant, &news);
    }
    removal_many(room, step, &strangers);
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    /* First what is shown: who is put out below is then missed by those, and only those, who see
     * it. */
    presence_shown_changed(room, step, change->config.broadcast_before,
                           change->config.see_all_before);
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        standing_tell_account(room, step, in, &change->affiliations[i]);
        standing_apply(room, step, &change->affiliations[i], NULL, false);
    }
    if (change->config.closes)
        remove_strangers(room, step);
    reply_result(room, step, in);
    notice_statuses(room, step, change->config.statuses);
    room_settle(room, step); /* nobody inside, and no longer persistent */
}

/* ---- codes of the notice (13.7) ---- */

/* To who is inside it is the same whether the room or somebody else keeps what is said. */
static bool is_logged(const struct room_options *options)
{
    return options->archive || options->logged;
}

static unsigned code_of(const struct option *option, const struct room_options *before,
                        const struct room_options *after)
{
    bool logging = option->id == OPTION_ID_ARCHIVE || option->id == OPTION_ID_LOGGED;
    if (logging && is_logged(before) == is_logged(after))
        return 104;
    unsigned code = is_on(option, after) ? option->status_on : option->status_off;
    return code != 0 ? code : 104;
}

static uint32_t statuses_of(const struct room_options *before, const struct room_options *after)
{
    unsigned count;
    const struct option *const *options = options_all(&count);
    uint32_t statuses = 0;

    for (unsigned i = 0; i < count; i++) {
        const struct option *option = options[i];
        if (!option_equal(option, before, after))
            statuses |= status_bit(code_of(option, before, after));
    }
    if (((before->broadcast ^ after->broadcast) & BROADCAST_NONE) != 0)
        statuses |= (after->broadcast & BROADCAST_NONE) != 0 ? STATUS_BIT(102) : STATUS_BIT(103);
    return statuses;
}

/* ---- a submission ---- */

static bool set_field(struct room_options *options, const struct form_field *field)
{
    const struct option *option = option_by_field(field->var);

    return option == NULL || option_set_field(options, option, field);
}

/* Whether a password is needed, if the form says so, decides; else whether there is one (13.4). */
static bool set_protection(struct room_options *options, const struct form *form)
{
    struct str text = form_value(form, STR(FIELD_PROTECTED));
    bool wanted;

    if (!str_present(text))
        return true;
    if (!str_to_bool(text, &wanted))
        return false;
    if (!wanted)
        str_free(&options->password);
    return !wanted || !str_empty(str_trim(options->password));
}

/* False: *var is the field whose value is not possible. */
static bool set_options(struct room_options *options, const struct form *form, struct str *var)
{
    for (unsigned i = 0; i < form->field_count; i++) {
        *var = form->fields[i].var;
        if (!set_field(options, &form->fields[i]))
            return false;
    }
    *var = STR(FIELD_PROTECTED);
    return set_protection(options, form);
}

/* False: *var is the field of what this owner may not turn on. */
static bool permitted(const struct room *room, const struct inbound *in,
                      const struct room_options *wanted, struct str *var)
{
    unsigned count;
    const struct option *const *options = options_all(&count);

    for (unsigned i = 0; i < count; i++) {
        if (!is_on(options[i], wanted) || may_be_on(room, in, options[i]))
            continue;
        *var = str_z(options[i]->field);
        return false;
    }
    return true;
}

static const char *why_not(const struct room *room, const struct inbound *in, struct str var)
{
    const struct option *option = option_by_field(var);

    if (option == NULL)
        return NULL;
    if (option->id == OPTION_ID_ARCHIVE)
        return "must be off: this service keeps no archives";
    if (!may_be_on(room, in, option))
        return "takes a permission that the operator of this service has not given you";
    return NULL;
}

static enum step_outcome refuse_value(struct room *room, struct step *step,
                                      const struct inbound *in, struct str var)
{
    const char *why = why_not(room, in, var);
    struct refuse_more more = {
        .text = str_fmt(step->arena, "The value given for %.*s is not possible%s%s", (int)var.len,
                        var.at, why == NULL ? "" : ": it ", why == NULL ? "" : why),
    };

    return refuse_with(room, step, in, &refusal_FORM_INVALID, more);
}

static enum step_outcome submit(struct room *room, struct step *step, const struct inbound *in,
                                const struct form *form)
{
    struct staff staff = {
        .owners = form_field(form, STR(FIELD_OWNERS)),
        .admins = form_field(form, STR(FIELD_ADMINS)),
    };
    const struct refusal *refusal = staff_decide(room, step, &staff);
    enum step_outcome outcome;
    struct room_options wanted;
    struct str var;

    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    room_options_copy(&wanted, &room->options);
    if (set_options(&wanted, form, &var) && permitted(room, in, &wanted, &var)) {
        struct change change = {
            .kind = CHANGE_OPTIONS,
            .options = &wanted,
            .affiliations = staff.changes,
            .affiliation_count = staff.count,
            .config =
                {
                    .statuses = statuses_of(&room->options, &wanted),
                    .broadcast_before = room->options.broadcast,
                    .see_all_before = room->options.see_all,
                    .closes = wanted.members_only && !room->options.members_only,
                },
        };
        outcome = change_submit(room, step, &change, announce, in);
    } else {
        outcome = refuse_value(room, step, in, var);
    }
    room_options_fini(&wanted);
    return outcome;
}

/* ---- cancelling ---- */

static void announce_end(struct room *room, struct step *step, const struct change *change,
                         const struct inbound *in)
{
    struct farewell farewell = {.reason = STR_NONE};

    UNUSED(change);
    destruction_empty_room(room, step, &farewell);
    reply_result(room, step, in);
}

/* A room whose first configuration is given up never was (3.4); later on nothing changes. */
static enum step_outcome cancel(struct room *room, struct step *step, const struct inbound *in)
{
    struct change change = {.kind = CHANGE_DESTROY};

    if (room->state == ROOM_LOCKED)
        return change_submit(room, step, &change, announce_end, in);
    reply_result(room, step, in);
    return STEP_DONE;
}

static enum step_outcome set(struct room *room, struct step *step, const struct inbound *in)
{
    const struct node *x = node_find(in->payload, NAME_X, NS_DATA);
    struct form form;

    if (!form_read(step->arena, x, &form))
        return refuse_form(room, step, in, &form);
    if (str_eqz(form.type, "cancel"))
        return cancel(room, step, in);
    if (!str_eqz(form.type, "submit"))
        return refuse(room, step, in, &refusal_FORM_TYPE);
    /* An instant room is asked for by a form without anything in it (3.3). */
    if (!str_eq(form.form_type, ROOMCONFIG) &&
        (form.field_count > 0 || str_present(form.form_type)))
        return refuse(room, step, in, &refusal_FORM_TYPE);
    return submit(room, step, in, &form);
}

/* ---- who ---- */

static bool is_config(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return node_find(in->payload, NAME_DESTROY, NS_MUC_OWNER) == NULL;
}

static bool by_owner(const struct room *room, const struct inbound *in)
{
    return room_exists(room) && in->affiliation == AFF_OWNER && is_config(room, in);
}

static enum step_outcome deny(struct room *room, struct step *step, const struct inbound *in)
{
    return refuse(room, step, in, &refusal_NOT_OWNER);
}

/* The owner of a new room configures it while it does not exist for others yet. */
static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_MUC_OWNER,
     .match = by_owner,
     .any_state = true,
     .run = get},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_MUC_OWNER,
     .match = by_owner,
     .any_state = true,
     .run = set},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET | TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_MUC_OWNER,
     .match = is_config,
     .run = deny},
};

const struct feature feature_config = {
    .name = "config",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
