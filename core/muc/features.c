/*
 * The ordered tables: the only file that knows in which order features are asked.
 */
#include "core/muc/feature.h"

extern const struct feature feature_affiliation, feature_approval, feature_archive,
    feature_availability, feature_capacity, feature_config, feature_create, feature_destroy,
    feature_discovery, feature_enter, feature_ghost_ping, feature_history, feature_invite,
    feature_leave, feature_members_only, feature_message, feature_moderated, feature_moderation,
    feature_nick, feature_occupant_id, feature_password, feature_private, feature_profile,
    feature_register, feature_relay, feature_role, feature_self_ping, feature_service_ban,
    feature_stanza_id, feature_subject, feature_throttle, feature_vcard, feature_version,
    feature_visibility, feature_voice, feature_whois;

/* Handlers, options and disco, in this order. A row that takes everything of its kind stands behind
 * those that are choosier: relay behind self_ping, message behind subject,
 * leave behind invite (errors of who was invited), voice behind approval (forms). */
const struct feature *const features_all[] = {
    /* what most stanzas are */
    &feature_subject,
    &feature_message,
    &feature_enter,
    &feature_availability,
    &feature_nick,
    &feature_invite,
    &feature_leave,
    &feature_private,
    &feature_self_ping,
    &feature_ghost_ping,
    &feature_discovery,
    &feature_register,
    &feature_approval,
    &feature_vcard,
    &feature_version,
    &feature_moderation,
    &feature_archive,
    &feature_relay,
    &feature_voice,
    &feature_role,
    &feature_affiliation,
    &feature_destroy,
    &feature_config,
    /* what a room can be set to, in the order of the owner's form */
    &feature_profile,
    &feature_create,
    &feature_password,
    &feature_members_only,
    &feature_moderated,
    &feature_capacity,
    &feature_throttle,
    &feature_whois,
    &feature_visibility,
    &feature_history,
    &feature_stanza_id,
    &feature_occupant_id,
};
const unsigned features_count = ARRAY_LEN(features_all);

/* SEMANTICS 2.2: the first refusal is the answer. The nickname itself has been checked before. */
static const struct feature *const enter_order[] = {
    &feature_service_ban,  /* banned everywhere              0045#enter-banned */
    &feature_create,       /* may create; tombstone; lock    0045#createroom #enter-locked */
    &feature_throttle,     /* tries too often                0045#security-dos */
    &feature_affiliation,  /* banned: learns nothing else    0045#enter-banned */
    &feature_members_only, /*                                0045#enter-members */
    &feature_password,     /*                                0045#enter-pw */
    &feature_nick,         /* reserved, forced, in use       0045#enter-conflict */
    &feature_capacity,     /* full; too many sessions        0045#enter-maxusers */
};

/* Is the sender inside, has it voice? */
static const struct feature *const speak_order[] = {
    &feature_message, /* 0045#message */
};

static const struct feature *const message_stamps[] = {
    &feature_occupant_id, /* 0421 */
    &feature_stanza_id,   /* 0359 */
};

static const struct feature *const presence_stamps[] = {
    &feature_occupant_id, /* 0421 */
};

/* SEMANTICS 2.3: after the newcomer's own presence. */
static const struct feature *const entered_order[] = {
    &feature_history,  /* 0045#enter-history */
    &feature_subject,  /* 0045#enter-subject */
    &feature_voice,    /* requests that waited for a moderator  0045#requestvoice */
    &feature_approval, /* requests that wait for an admin      0045#regapprove */
};

const struct refusal *features_may_enter(struct room *room, struct step *step, struct entry *entry)
{
    for (unsigned i = 0; i < ARRAY_LEN(enter_order); i++) {
        const struct refusal *refusal = enter_order[i]->may_enter(room, step, entry);
        if (refusal != NULL)
            return refusal;
    }
    return NULL;
}

const struct refusal *features_may_speak(struct room *room, struct step *step,
                                         const struct inbound *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(speak_order); i++) {
        const struct refusal *refusal = speak_order[i]->may_speak(room, step, in);
        if (refusal != NULL)
            return refusal;
    }
    return NULL;
}

void features_stamp_message(struct room *room, struct step *step, struct fb *fb,
                            const struct stamping *stamping)
{
    for (unsigned i = 0; i < ARRAY_LEN(message_stamps); i++)
        message_stamps[i]->stamp_message(room, step, fb, stamping);
}

void features_stamp_presence(struct room *room, struct step *step, struct fb *fb,
                             const struct stamping *stamping)
{
    for (unsigned i = 0; i < ARRAY_LEN(presence_stamps); i++)
        presence_stamps[i]->stamp_presence(room, step, fb, stamping);
}

void features_entered(struct room *room, struct step *step, struct session *session,
                      const struct node *x)
{
    for (unsigned i = 0; i < ARRAY_LEN(entered_order); i++)
        entered_order[i]->entered(room, step, session, x);
}

/* ---- the handler index ---- */

static bool names_payload(const struct handler *row, const struct inbound *in)
{
    if (row->name == NAME_NONE && row->ns == NS_NONE)
        return true;
    if (in->kind == KIND_IQ)
        return in->payload != NULL && (row->name == NAME_NONE || in->payload->name == row->name) &&
               (row->ns == NS_NONE || in->payload->ns == row->ns);
    return node_find(in->root, row->name, row->ns) != NULL;
}

static bool row_fits(const struct handler *row, const struct room *room, const struct inbound *in)
{
    return (row->kinds & in->kind) != 0 && (row->targets & in->target) != 0 &&
           (row->types & in->type) != 0 && names_payload(row, in) &&
           (row->match == NULL || row->match(room, in));
}

const struct handler *features_handler(const struct room *room, const struct inbound *in)
{
    for (unsigned f = 0; f < features_count; f++) {
        const struct feature *feature = features_all[f];
        for (unsigned i = 0; i < feature->handler_count; i++) {
            if (row_fits(&feature->handlers[i], room, in))
                return &feature->handlers[i];
        }
    }
    return NULL;
}
