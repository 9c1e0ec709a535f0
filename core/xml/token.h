/*
 * Names and namespaces we know, as integers, so that rules compare numbers and not texts. The list
 * is core/xml/names.def; what is not in it reads as NAME_OTHER / NS_OTHER and keeps its text.
 */
#ifndef CORE_XML_TOKEN_H
#define CORE_XML_TOKEN_H

#include "core/base/str.h"

enum name {
    NAME_NONE = 0,
#define NAME(id, text) NAME_##id,
#define NS(id, uri, xep)
#include "core/xml/names.def"
#undef NAME
#undef NS
    NAME_OTHER,
    NAMES_TOTAL
};

enum ns {
    NS_NONE = 0,
#define NAME(id, text)
#define NS(id, uri, xep) NS_##id,
#include "core/xml/names.def"
#undef NAME
#undef NS
    NS_OTHER,
    NS_TOTAL
};

/* Constant time in the number of names; the three stanza namespaces all give NS_STANZA. */
enum name token_name(struct str text);
enum ns token_ns(struct str uri);

/* Static text; "" for NONE and OTHER. NS_STANZA gives "jabber:client". */
struct str token_name_text(enum name name);
struct str token_ns_uri(enum ns ns);

#endif
