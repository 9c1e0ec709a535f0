#include "core/muc/staff.h"

#include "core/muc/inbound.h"

/* An account the form names; the key in the map of them is `jid`. */
struct named {
    struct str jid;
    enum affiliation affiliation;
};

/* A server as such is nobody's account, unless it is on the staff already: what the form offers it
 * takes. */
static bool may_be_staff(const struct room *room, const struct jid *jid)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(jid));

    if (jid->local_len > 0)
        return !str_eq(jid_domain(jid), jid_domain(room->jid));
    return jid_is_bare(jid) && row != NULL && row->affiliation >= AFF_ADMIN;
}

/* False: an address is none, or is one of this service, as those of occupants are. */
static bool read_names(const struct room *room, struct step *step, struct map *names,
                       const struct form_field *field, enum affiliation affiliation)
{
    for (unsigned i = 0; field != NULL && i < field->value_count; i++) {
        struct str text = str_trim(field->values[i]);
        const struct jid *jid = str_empty(text) ? NULL : jid_parse(step->arena, text);
        struct named *named;

        if (str_empty(text))
            continue;
        if (jid == NULL || !may_be_staff(room, jid))
            return false;
        if (map_get(names, jid_bare(jid)) != NULL)
            continue;
        named = ARENA_NEW(step->arena, struct named);
        named->jid = jid_bare(jid);
        named->affiliation = affiliation;
        map_put(names, named->jid, named);
    }
    return true;
}

static void add_change(struct step *step, struct staff *staff, struct str jid,
                       enum affiliation before, enum affiliation after)
{
    staff->changes[staff->count++] = (struct affiliation_change){
        .jid = str_in(step->arena, jid),
        .before = before,
        .after = after,
    };
}

static enum affiliation listed(const struct room *room, struct str jid)
{
    const struct affiliate *row = room_affiliate(room, jid);

    return row == NULL ? AFF_NONE : row->affiliation;
}

static void promote(const struct room *room, struct step *step, struct staff *staff,
                    const struct map *names)
{
    const struct named *named;

    map_each (names, at, named) {
        enum affiliation before = listed(room, named->jid);
        /* A list of admins alone takes nothing away from an owner it names. */
        if (before == named->affiliation || (before == AFF_OWNER && staff->owners == NULL))
            continue;
        add_change(step, staff, named->jid, before, named->affiliation);
    }
}

static void demote(const struct room *room, struct step *step, struct staff *staff,
                   const struct map *names)
{
    const struct affiliate *row;

    map_each (&room->affiliations, at, row) {
        enum affiliation after = AFF_MEMBER;
        if (map_get(names, row->jid) != NULL)
            continue;
        if (row->affiliation == AFF_OWNER && staff->owners != NULL)
            after = staff->admins == NULL ? AFF_ADMIN : AFF_MEMBER;
        else if (row->affiliation != AFF_ADMIN || staff->admins == NULL)
            continue;
        add_change(step, staff, row->jid, row->affiliation, after);
    }
}

static unsigned staff_size(const struct room *room)
{
    const struct affiliate *row;
    unsigned count = 0;

    map_each (&room->affiliations, at, row)
        count += row->affiliation >= AFF_ADMIN;
    return count;
}

static const struct refusal *check(const struct room *room, const struct staff *staff)
{
    unsigned owners = room->owner_count;
    unsigned added = 0;

    for (unsigned i = 0; i < staff->count; i++) {
        owners += staff->changes[i].after == AFF_OWNER;
        owners -= staff->changes[i].before == AFF_OWNER;
        added += staff->changes[i].before == AFF_NONE;
    }
    if (owners == 0 && room->owner_count > 0)
        return &refusal_LAST_OWNER;
    if (staff->count > ADMIN_ITEMS_MAX)
        return &refusal_TOO_MANY_ITEMS;
    return room_has_place(room, added, ADDED_BY_ADMIN) ? NULL : &refusal_ROOM_BUSY;
}

const struct refusal *staff_decide(const struct room *room, struct step *step, struct staff *staff)
{
    const struct refusal *refusal = NULL;
    struct map names;

    if (staff->owners == NULL && staff->admins == NULL)
        return NULL;
    map_init(&names, &step->env->hash_key);
    if (!read_names(room, step, &names, staff->owners, AFF_OWNER) ||
        !read_names(room, step, &names, staff->admins, AFF_ADMIN))
        refusal = &refusal_STAFF_INVALID;
    if (refusal == NULL) {
        staff->changes =
            ARENA_NEW_ARRAY(step->arena, struct affiliation_change, names.count + staff_size(room));
        promote(room, step, staff, &names);
        demote(room, step, staff, &names);
        refusal = check(room, staff);
    }
    map_fini(&names);
    return refusal;
}

bool staff_fits_form(const struct room *room)
{
    return staff_size(room) <= ADMIN_ITEMS_MAX;
}
