#include "bench/stored/message.h"

#define TEXT "the quick brown fox jumps over the lazy dog, and then it does so again"

struct str stored_id(struct arena *arena, uint32_t number)
{
    uint64_t random = (number + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    int64_t at_us = STORED_FIRST_US + (int64_t)number * STORED_STEP_US;
    return str_fmt(arena, "%014llx%018llx", (unsigned long long)at_us, (unsigned long long)random);
}

void stored_append(struct buf *batch, struct arena *arena, uint32_t number)
{
    unsigned user = number % STORED_SPEAKERS;
    struct str body = str_fmt(arena, "%010u " TEXT, number);
    struct str head =
        str_fmt(arena, "<message from='r0@" STORED_DOMAIN "/u%u' type='groupchat' id='m%010u'",
                user, number);
    struct str xml = str_fmt(arena, "%.*s><body>%.*s</body></message>", (int)head.len, head.at,
                             (int)body.len, body.at);
    struct record_item item = {.op = RECORD_APPEND};
    item.message = (struct archived){
        .id = stored_id(arena, number),
        .at_us = STORED_FIRST_US + (int64_t)number * STORED_STEP_US,
        .nick = str_fmt(arena, "u%u", user),
        .author = str_fmt(arena, "author%u", user),
        .jid = str_fmt(arena, "u%u@localhost/r", user),
        .affiliation = AFF_NONE,
        .role = ROLE_PARTICIPANT,
        .sender_id = str_fmt(arena, "m%010u", number),
        .xml = xml,
        .address_at = (uint32_t)head.len,
        .tail_at = (uint32_t)(xml.len - strlen("</message>")),
        .body = body,
        .history = true,
        .archived = true,
    };
    record_add(batch, &item);
}
