/*
 * Short words for messages that only the archive has any more: how they come there, how they are
 * taken back, and what the archive says of them then. For cmocka tests, on top of talk.h.
 */
#ifndef TESTS_SUPPORT_ARCHIVE_TALK_H
#define TESTS_SUPPORT_ARCHIVE_TALK_H

#include "core/base/limits.h"
#include "tests/support/talk.h"

#define MAM      "urn:xmpp:mam:2"
#define MODERATE "urn:xmpp:message-moderate:1"
#define RETRACT  "urn:xmpp:message-retract:1"
#define UNKNOWN  "0123456789abcdef0123456789abcdef"

enum { ROWS_MAX = 8 };

struct row {
    char id[STANZA_ID_BYTES + 1];
    char *came; /* heap */
};

/* Newcomers are shown nothing, or the last message alone. */
static const char *const nothing_shown[] = {"persistent=on", "archive=on", "history=0", NULL};
static const char *const one_shown[] = {"persistent=on", "archive=on", "history=1", NULL};

/* Romeo owns the room, Juliet and Paris are in it; Paris has said two things. */
static inline struct world *company(const char *const *options)
{
    struct world *w = kept_world_with(options);
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='m1'><body>Rude</body></message>");
    world_advance(w, 1000000);
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='m2'><body>Ruder</body></message>");
    hush(w);
    return w;
}

/* What the archive has, by Romeo's eyes. */
static inline unsigned archive(struct world *w, struct row rows[ROWS_MAX])
{
    const char *came;
    unsigned count = 0;
    hush(w);
    says(w, ROMEO, "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "'/></iq>");
    while ((came = world_next(w, ROMEO)) != NULL) {
        const char *result = strstr(came, "<result ");
        const char *id = result == NULL ? NULL : strstr(result, " id='");
        if (id == NULL)
            continue;
        assert_true(count < ROWS_MAX);
        memcpy(rows[count].id, id + 5, STANZA_ID_BYTES);
        rows[count].id[STANZA_ID_BYTES] = '\0';
        rows[count++].came = text_of("%s", came);
    }
    hush(w);
    return count;
}

static inline void rows_free(struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(rows[i].came);
}

/* The same company, and the archive's id of the first message. */
static inline struct world *company_and_id(const char *const *options, char id[STANZA_ID_BYTES + 1])
{
    struct world *w = company(options);
    struct row rows[ROWS_MAX];
    unsigned count = archive(w, rows);
    assert_int_equal(count, 2);
    memcpy(id, rows[0].id, STANZA_ID_BYTES + 1);
    rows_free(rows, count);
    return w;
}

/* Is the message of that id a tombstone (with that text in it), or is it as it was? */
static inline bool is_buried(struct world *w, const char *id, const char *inside)
{
    struct row rows[ROWS_MAX];
    unsigned count = archive(w, rows), found = 0;
    bool buried = false;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(rows[i].id, id) != 0)
            continue;
        found++;
        buried = strstr(rows[i].came, "<retracted ") != NULL;
        assert_true(buried != (strstr(rows[i].came, "<body>Rude</body>") != NULL));
        assert_non_null(strstr(rows[i].came, "from='" ROOM "/Paris' type='groupchat' id='m1'"));
        if (buried)
            assert_non_null(strstr(rows[i].came, inside));
    }
    assert_int_equal(found, 1);
    rows_free(rows, count);
    return buried;
}

static inline void moderates(struct world *w, const char *who, const char *id, const char *reason)
{
    says(w, who,
         "<iq to='" ROOM "' type='set' id='mod'><moderate xmlns='" MODERATE "' id='%s'>"
         "<retract xmlns='" RETRACT "'/><reason>%s</reason></moderate></iq>",
         id, reason);
}

static inline void retracts(struct world *w, const char *who, const char *id)
{
    says(w, who,
         "<message to='" ROOM "' type='groupchat' id='r'><retract xmlns='" RETRACT
         "' id='%s'/></message>",
         id);
}

static inline unsigned notices(struct world *w, const char *who)
{
    const char *came;
    unsigned count = 0;
    while ((came = world_next(w, who)) != NULL)
        count += strstr(came, "<retract ") != NULL;
    return count;
}

#endif
