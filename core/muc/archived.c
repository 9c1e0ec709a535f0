#include "core/muc/archived.h"

#include "core/xml/frame.h"

static const struct str begin = {"<message", sizeof("<message") - 1};
static const struct str end = {"</message>", sizeof("</message>") - 1};

/* Whoever forwards it writes between the two. */
static bool is_message(struct str xml)
{
    return xml.len >= begin.len + end.len && str_starts(xml, begin) &&
           str_eq(str_of(xml.at + xml.len - end.len, end.len), end);
}

bool archived_is_whole(const struct archived *row)
{
    return is_message(row->xml) && frame_fits(row->xml, row->address_at, row->tail_at) &&
           stanza_is_whole(row->xml);
}
