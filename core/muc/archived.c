#include "core/muc/archived.h"

#include "core/xml/frame.h"

bool archived_is_whole(const struct archived *row)
{
    return str_starts(row->xml, STR("<message")) &&
           frame_fits(row->xml, row->address_at, row->tail_at) && stanza_is_whole(row->xml);
}
