#include "core/xmpp/jid.h"

#include "core/base/limits.h"
#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"

#include <string.h>

struct jid *jid_make(struct arena *arena, struct str local, struct str domain, struct str resource)
{
    ensure(domain.len > 0);
    ensure(local.len <= JID_PART_BYTES_MAX && domain.len <= JID_PART_BYTES_MAX &&
           resource.len <= JID_PART_BYTES_MAX);
    size_t bare = domain.len + (local.len > 0 ? local.len + 1 : 0);
    size_t full = bare + (resource.len > 0 ? resource.len + 1 : 0);
    size_t size = sizeof(struct jid) + full + 1;
    struct jid *jid = arena != NULL ? arena_raw(arena, size) : mem_raw(size);
    jid->local_len = (uint16_t)local.len;
    jid->domain_len = (uint16_t)domain.len;
    jid->resource_len = (uint16_t)resource.len;
    jid->bare_len = (uint16_t)bare;

    char *at = jid->text;
    if (local.len > 0) {
        memcpy(at, local.at, local.len);
        at += local.len;
        *at++ = '@';
    }
    memcpy(at, domain.at, domain.len);
    at += domain.len;
    if (resource.len > 0) {
        *at++ = '/';
        memcpy(at, resource.at, resource.len);
        at += resource.len;
    }
    *at = '\0';
    return jid;
}

/* The parts as written; a part whose separator is there is present, if only as empty text. */
static void split(struct str text, struct str *local, struct str *domain, struct str *resource)
{
    *local = STR_NONE;
    *resource = STR_NONE;
    const char *slash = text.len > 0 ? memchr(text.at, '/', text.len) : NULL;
    if (slash != NULL) {
        size_t bare = (size_t)(slash - text.at);
        *resource = str_of(slash + 1, text.len - bare - 1);
        text.len = bare;
    }
    const char *sign = text.len > 0 ? memchr(text.at, '@', text.len) : NULL;
    if (sign != NULL) {
        size_t len = (size_t)(sign - text.at);
        *local = str_of(text.at, len);
        text = str_of(sign + 1, text.len - len - 1);
    }
    *domain = text;
}

static struct jid *parse_in(struct arena *scratch, struct arena *arena, struct str parts[3])
{
    struct str local = parts[0], domain = prep_domain(scratch, parts[1]), resource = parts[2];
    if (!str_present(domain))
        return NULL;
    if (str_present(local)) {
        local = prep_local(scratch, local);
        if (!str_present(local))
            return NULL;
    }
    if (str_present(resource)) {
        resource = prep_resource(scratch, resource);
        if (!str_present(resource))
            return NULL;
    }
    return jid_make(arena, local, domain, resource);
}

struct jid *jid_parse(struct arena *arena, struct str text)
{
    struct str parts[3]; /* local, domain, resource */
    split(text, &parts[0], &parts[1], &parts[2]);
    if (prep_is_plain(parts[0], parts[1], parts[2]))
        return jid_make(arena, parts[0], parts[1], parts[2]);
    if (arena != NULL)
        return parse_in(arena, arena, parts);
    struct arena *scratch = arena_new(4096);
    struct jid *jid = parse_in(scratch, NULL, parts);
    arena_free(scratch);
    return jid;
}

struct jid *jid_with_resource(struct arena *arena, const struct jid *jid, struct str resource)
{
    return jid_make(arena, jid_local(jid), jid_domain(jid), resource);
}

struct jid *jid_to_bare(struct arena *arena, const struct jid *jid)
{
    return jid_with_resource(arena, jid, STR_NONE);
}

struct jid *jid_copy(const struct jid *jid)
{
    return mem_dup(jid, sizeof(*jid) + jid_full(jid).len + 1);
}

void jid_free(struct jid *jid)
{
    mem_free(jid);
}
