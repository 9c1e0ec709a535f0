/*
 * Private messages: from occupant to occupant, to all sessions of the one addressed, marked with an
 * empty muc#user element. Whoever may send them is a matter of the room; to oneself one always may.
 * What bounces for a reason other than the session's end is delivered to whom it was an answer to.
 * @xep 0045 1.35.5 #privatemessage #bizrules-message.outside #bizrules-message.refused
 * @xep 0045 1.35.5 #enter-conflict.private
 */
#include "core/muc/addressee.h"
#include "core/muc/bounce.h"
#include "core/muc/feature.h"

static const struct option_choice senders[] = {
    {"anyone", "Anyone", PM_ANYONE, false},
    {"participants", "Who has voice", PM_PARTICIPANTS, false},
    {"moderators", "Moderators", PM_MODERATORS, false},
    {"affiliated", "Members, admins and owners", PM_AFFILIATED, false},
    {"none", "Nobody", PM_NONE, false},
    {"visitor", "Anyone", PM_ANYONE, true},
    {"participant", "Who has voice", PM_PARTICIPANTS, true},
    {"moderator", "Moderators", PM_MODERATORS, true},
};

static const struct option_choice visitors_write[] = {
    {"anyone", "Anyone", VISITOR_PM_ANYONE, false},
    {"moderators", "Moderators", VISITOR_PM_MODERATORS, false},
    {"nobody", "Nobody", VISITOR_PM_NOBODY, false},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_ALLOW_PM,
        .name = "allow_pm",
        .field = "muc#roomconfig_allowpm",
        .info = {"muc#roomconfig_allowpm"},
        .label = "Who may send private messages",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, allow_pm),
        .choices = senders,
        .choice_count = ARRAY_LEN(senders),
        .preset = "anyone",
        .help = "who may send private messages: anyone, participants, moderators, affiliated, none",
    },
    {
        .id = OPTION_ID_MODERATOR_PM,
        .name = "moderator_pm",
        .field = "{xmpp:prosody.im}muc#allow_modpm",
        .label = "Private messages from and to moderators are always possible",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, moderator_pm),
        .preset = "off",
        .help = "private messages from and to moderators are possible whatever allow_pm says",
    },
    {
        .id = OPTION_ID_VISITOR_PM,
        .name = "visitor_pm",
        .field = "allow_private_messages_from_visitors",
        .label = "To whom visitors may send private messages",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, visitor_pm),
        .choices = visitors_write,
        .choice_count = ARRAY_LEN(visitors_write),
        .preset = "anyone",
        .help = "to whom visitors may send private messages, if allow_pm lets them: anyone, "
                "moderators, nobody",
    },
};

static bool visitor_may_send(const struct room *room, const struct occupant *to)
{
    switch ((enum visitor_pm)room->options.visitor_pm) {
    case VISITOR_PM_ANYONE:
        return true;
    case VISITOR_PM_MODERATORS:
        return to->role == ROLE_MODERATOR;
    case VISITOR_PM_NOBODY:
        return false;
    }
    return false;
}

static bool may_send(const struct room *room, const struct occupant *from,
                     const struct occupant *to)
{
    if (from == to || str_eq(from->account, to->account))
        return true;
    if (room->options.moderator_pm && (from->role == ROLE_MODERATOR || to->role == ROLE_MODERATOR))
        return true;
    if (from->role == ROLE_VISITOR && !visitor_may_send(room, to))
        return false;
    switch ((enum allow_pm)room->options.allow_pm) {
    case PM_ANYONE:
        return true;
    case PM_PARTICIPANTS:
        return from->role >= ROLE_PARTICIPANT;
    case PM_MODERATORS:
        return from->role == ROLE_MODERATOR;
    case PM_AFFILIATED:
        return from->affiliation >= AFF_MEMBER;
    case PM_NONE:
        return false;
    }
    return false;
}

static void begin(struct fb *fb, struct step *step, const struct inbound *in)
{
    fb_begin(fb, step->arena, "message", jid_full(in->self->jid), node_attr(in->root, NAME_TYPE),
             in->id);
    fb_lang(fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
}

static struct frame *finish(struct room *room, struct step *step, struct fb *fb,
                            const struct inbound *in)
{
    struct stamping stamping = {.occupant = in->self, .in = in};
    fb_empty(fb, NAME_X, NS_MUC_USER);
    features_stamp_message(room, step, fb, &stamping);
    return fb_finish(fb);
}

static enum step_outcome send(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->session == NULL)
        return refuse(room, step, in, &refusal_NOT_OCCUPANT);
    const struct occupant *to = addressee(room, step, in);
    if (to == NULL)
        return refuse(room, step, in, &refusal_NICK_UNKNOWN);
    if (!may_send(room, in->self, to))
        return refuse(room, step, in, &refusal_PM_DENIED);
    struct fb fb;
    begin(&fb, step, in);
    reflect_children(room, &fb, in->root);
    occupant_send(step, to, finish(room, step, &fb, in));
    return STEP_DONE;
}

static enum step_outcome refuse_groupchat(struct room *room, struct step *step,
                                          const struct inbound *in)
{
    bool inside = in->session != NULL;
    return refuse(room, step, in, inside ? &refusal_PM_GROUPCHAT : &refusal_NOT_OCCUPANT);
}

static bool bounced_only(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return in->session != NULL && !bounce_means_gone(in->root);
}

/* The message itself is not sent back with its error: whoever wrote it has it. Who could not have
 * written one gets none, and who may not write to it there says no more than which error it is. */
static enum step_outcome bounce(struct room *room, struct step *step, const struct inbound *in)
{
    const struct occupant *to = addressee(room, step, in);
    if (to == NULL || !may_send(room, to, in->self))
        return STEP_DONE;
    struct fb fb;
    begin(&fb, step, in);
    fb_bounce(&fb, room, in, may_send(room, in->self, to) ? BOUNCE_WITH_WORDS : BOUNCE_BARE);
    occupant_send(step, to, finish(room, step, &fb, in));
    return STEP_DONE;
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_MESSAGE,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_NORMAL | TYPE_CHAT | TYPE_HEADLINE,
        .run = send,
    },
    {
        .kinds = KIND_MESSAGE,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_GROUPCHAT,
        .run = refuse_groupchat,
    },
    {
        .kinds = KIND_MESSAGE,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_ERROR,
        .match = bounced_only,
        .run = bounce,
    },
};

const struct feature feature_private = {
    .name = "private",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
