/*
 * Preparation of text for addresses and comparison, by ICU. Results are in the arena (the input
 * itself when nothing had to change); STR_NONE means "refused". ASCII takes a short way that gives
 * the same.
 * @xep 0045 1.35.5 #bizrules-jids.prepared #bizrules-jids.invisible
 */
#ifndef CORE_XMPP_PREP_H
#define CORE_XMPP_PREP_H

#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Call once before threads: opens ICU's profiles. Negative code if ICU's data is missing. */
MUST_CHECK int prep_init(void);
void prep_fini(void);

/* Nodeprep, Nameprep with IDNA, Resourceprep (RFC 6122); unassigned code points pass. Empty and
 * longer than JID_PART_BYTES_MAX: refused. A domain may be an IP address, in brackets if IPv6. */
struct str prep_local(struct arena *arena, struct str text);
struct str prep_domain(struct arena *arena, struct str text);
struct str prep_resource(struct arena *arena, struct str text);
/* Would all three come back as they are? Quick, and true for most addresses; false says nothing.
 * `local` and `resource` may be absent. */
bool prep_is_plain(struct str local, struct str domain, struct str resource);
/* No code point of a local part is unassigned in Unicode 3.2: what names of new rooms have to be,
 * so that they mean the same to every server. */
bool prep_local_is_strict(struct str local);

/* What a room accepts as nickname (SEMANTICS 1.2 to 1.4). */
enum nick_verdict {
    NICK_OK,
    NICK_BLANK,   /* nothing but blanks and invisible characters */
    NICK_INVALID, /* unassigned in Unicode 3.2, padded with blanks, bidi or zero-width, too long */
};
/* What the operator may want otherwise; all 0: as above. Whatever the rules, a nickname is a
 * prepared resource: no server on its way changes it. */
struct nick_rules {
    uint32_t chars_max; /* 0: NICK_CHARS_MAX */
    bool opaque; /* as PRECIS OpaqueString: also what came after Unicode 3.2, up to ICU's own */
    bool trim;   /* blanks at the ends are taken off, not refused */
};
/* `text` is a prepared resource, or any text (registration forms). *nick: the prepared form. */
enum nick_verdict prep_nick(struct arena *arena, struct str text, const struct nick_rules *rules,
                            struct str *nick);

/* The key nicknames are compared by: PRECIS Nickname profile (RFC 8266): white space collapsed,
 * NFKC, case folded. Never fails for what prep_nick() has accepted. */
struct str prep_nick_key(struct arena *arena, struct str nick);

#endif
