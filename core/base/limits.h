/*
 * Every limit of the server, on one page. Each has a test that touches it and one that crosses it.
 * Units are in the name or behind the number.
 */
#ifndef CORE_BASE_LIMITS_H
#define CORE_BASE_LIMITS_H

#include <assert.h>

/* ---- XML streams (core/xml/parse.c) ---- */
#define STANZA_BYTES_MAX      (256 * 1024)  /* one stanza, as received */
#define STANZA_BYTES_UNAUTH   (16 * 1024)   /* one element before the client has authenticated */
#define STANZA_DEPTH_MAX      64            /* nesting below the stream element */
#define STANZA_ATTRIBUTES_MAX 64            /* on one element, namespace declarations included */
#define STANZA_NODES_MAX      16384         /* elements and texts in one stanza */
#define STANZA_NAMESPACES_MAX 256           /* different ones in one stanza */
#define STANZA_DECLARED_MAX   (1024 * 1024) /* of their names, if each element declares its own */
#define PARSER_RENEW_BYTES    (1024 * 1024) /* fed to one libxml2 parser before it is replaced */
#define PARSER_RENEW_NAMES    2048          /* or so many different names it has met */

/* ---- addresses (RFC 7622 section 3) ---- */
#define JID_PART_BYTES_MAX 1023
#define NICK_CHARS_MAX     120 /* code points, after preparation */

/* ---- frames ---- */
#define FRAME_BYTES_MAX (4 * 1024 * 1024)

/* ---- rooms ---- */
#define DOMAINS_MAX            16     /* of services, in one process */
#define ROOMS_PER_USER_MAX     100000 /* upper end of muc.rooms_per_user */
#define ROOM_OCCUPANTS_MAX     100000 /* upper end of maxusers; also where that says "no limit" */
#define ROOM_ADMIN_RESERVE     100    /* admins and owners let in over ROOM_OCCUPANTS_MAX */
#define ROOM_SESSIONS_PER_NICK 50
#define ROOM_NICKS_PER_ACCOUNT 20
#define ROOM_AFFILIATIONS_MAX  200000
#define ROOM_AFFILIATIONS_UNASKED_MAX                                                              \
    100000 /* then nobody is added without an admin: no guest of members, nobody who registers */
#define ROOM_BANS_RESERVE      10000 /* bans let in over ROOM_AFFILIATIONS_MAX */
#define LINEUP_FROM            64    /* occupants from which on newcomers share a list */
#define ROOM_HISTORY_MAX       500   /* messages kept in memory */
#define ROOM_HISTORY_DEFAULT   20
#define ROOM_HISTORY_BYTES_MAX (4 * 1024 * 1024) /* sum of the kept frames */
#define ROOM_SUBJECT_BYTES_MAX (16 * 1024)
#define ROOM_SUBJECT_LANGS_MAX 16
#define ROOM_VOICE_PENDING_MAX 32    /* voice requests waiting for a moderator */
#define VOICE_SECONDS_MAX      86400 /* between two voice requests of one account */
#define ROOM_REGISTERING_MAX   32    /* of a room, waiting for an admin */
#define REGISTERING_SECONDS    60    /* between two of one account that admins are asked about */
#define ROOM_BURIALS_MAX       64    /* taken back by authors, the archive not asked yet */
#define BURIALS_PER_AUTHOR     8     /* of them, so that nobody takes all places */
#define BURIAL_RETRY_SECONDS   5     /* until the next of them is asked for, if it cannot be read */
#define ROOM_ASKED_MAX         1000  /* accounts of which it is remembered when they last asked */
#define ROOM_INVITED_MAX       1000  /* accounts remembered as invited (who may decline) */
#define ROOM_ROLES_KEPT_MAX    1000  /* voice decisions remembered while the room lives */
#define ROOM_LOCK_SECONDS      300   /* a locked room opens with defaults after that */
#define ROOM_PARKED_MAX        2000  /* stanzas that wait for a room while it waits for the disk */
#define SHARD_PARKED_MAX       50000 /* the same, in all rooms of a shard */
#define ROOM_LOADS_MAX         1000  /* looked for; then stanzas come as fast as they are found */
#define ROOM_LOADS_SILENT_MS   400   /* and not one was found: then no more are looked for */
#define HELD_BYTES_MAX         (64 * 1024 * 1024) /* of a shard, said and not kept yet */
#define ROOM_IDLE_SECONDS      60         /* then a stored room that nobody is in leaves memory */
#define ARCHIVE_PAGE_MAX       50         /* messages of an archive sent for one query */
#define ASKS_MAX               256        /* questions to the store, of a shard, not answered yet */
#define ASKS_PER_ACCOUNT       4          /* of them, of one account */
#define ASKS_AGAIN_MAX         3          /* one question, as the archive has changed since */
#define ARCHIVE_IDS_MAX        200        /* asked for in one query */
#define ARCHIVE_QUERYID_MAX    256        /* bytes; it comes back with each message */
#define KEEP_DAYS_MAX          36500      /* of archived messages */
#define KEEP_COUNT_MAX         1000000000 /* the same */
#define COMMIT_BYTES_MAX       (64 * 1024 * 1024) /* of a shard, with the scribe and unanswered */
#define STORE_RETRY_MS         1000  /* after a refusal, what nobody waits for is written again */
#define STORE_RETRY_MS_MAX     30000 /* the same, while it is refused again and again */
#define REWRITE_ROOMS          256   /* of them written at a time, once one was taken */
#define REWRITE_SESSIONS       4096  /* with so many in them no more rooms at that time */
#define WAKES_AT_A_TIME        64    /* occupied rooms that could not be loaded, tried again */
#define STORE_TRIM_MS          60000 /* between two looks at what is to be deleted */
#define STORE_TRIM_LATE_MS     1000  /* late, it is deleted also when there is no time */
#define STORE_TRIM_ROUNDS      4 /* then, from one step to the next, with all that is committed */
#define STORE_LOOK_MS          5000   /* between two looks at what a tool has deleted */
#define STORE_FORGET_RETRY_MS  300000 /* until what could not be deleted is tried again */
#define ROOM_PINGS_PER_LOOK    64     /* sessions looked at, the silent ones pinged, at a time */
#define ROOM_PINGS_UNANSWERED  2      /* then the session is put out */
#define ROOM_OUTAGE_PER_LOOK   100    /* put out at a time who have missed something */
#define ROOM_GHOSTS_SECONDS    300   /* without a link; then who is gone goes, if anybody sees it */
#define ROOM_OUTAGE_LOOK_MS    100   /* from one such time to the next */
#define PING_MINUTES_MAX       10080 /* of silence, before the first of them */
#define RATE_SECOND_MAX        1000  /* messages of one account, if a room limits them */
#define RATE_BURST_MAX         1000  /* of them at once */
#define RATE_MINUTE_MAX        6000  /* its presences */
#define RATE_QUEUE_MAX         16    /* of each kind, of one account, wait for their turn */
#define RATE_ROOM_QUEUE_MAX    1024  /* wait for it in one room */
#define RATE_ROOM_BYTES_MAX    (4 * 1024 * 1024) /* their sum, in memory */
#define RATE_ACCOUNTS_MAX      10000 /* of which a room knows how much they have sent lately */
#define RATE_SWEEP_SECONDS     60    /* at most so long after that it forgets them */
#define ROOM_TEXT_BYTES_MAX    1024  /* name, password, nicknames in forms */
#define ROOM_DESC_BYTES_MAX    8192
#define ROOM_VCARD_BYTES_MAX   (128 * 1024) /* as it is sent out again */
#define ROOM_VCARD_PHOTOS_MAX  16           /* pictures in it */
#define ROOM_LANG_BYTES_MAX    64           /* a language tag */
#define REASON_BYTES_MAX       2048
#define PRESENCE_BYTES_MAX     (16 * 1024)       /* what a presence may carry besides ours */
#define ADMIN_ITEMS_MAX        1000              /* items in one muc#admin query */
#define ADMIN_LIST_BYTES_MAX   (2 * 1024 * 1024) /* a list of roles, or a page of affiliations */
#define INVITES_PER_MESSAGE    20
#define BOUNCE_WORDS_BYTES_MAX 256 /* of an error that comes back: its text, its details */
#define BOUNCES_MAX            64  /* undeliverable stanzas of one step that are reported back */
#define FORM_FIELDS_MAX        128
#define FORM_VALUES_MAX        2000
#define TOMBSTONE_DAYS         31
#define TOMBSTONES_MAX         10000 /* per shard; the oldest is forgotten first */
#define RELAYED_ID_BYTES_MAX   1024  /* id of an IQ that is relayed */
#define DISCO_ITEMS_PAGE       500   /* rooms listed without or with a larger RSM max */

/* ---- commands of the service's admins (XEP-0050) ---- */
#define COMMAND_ROOMS_MAX       100   /* in one */
#define COMMAND_SESSION_SECONDS 3600  /* from its form to what was filled in */
#define COMMAND_WAIT_MS         10000 /* for the rooms' reports */
#define COMMANDS_PENDING_MAX    64    /* per shard, waiting for reports */

/* ---- queues between agents; credits are in KiB of stanza plus one per stanza ---- */
#define CREDITS_PER_SHARD    8192               /* one net agent towards one shard, at most */
#define CREDITS_FIRST        256                /* before anything is known */
#define CREDITS_LEAST        4                  /* however slow the shard is */
#define CREDIT_WAIT_MS       20                 /* fewer of them, if they come back later */
#define LANE_BACKLOG_MAX     (4 * 1024)         /* undelivered, one shard towards one lane, KiB */
#define SIDE_WAIT_MS_MAX     500                /* for credits, of what may be refused */
#define SIDE_QUEUE_BYTES_MAX (8 * 1024 * 1024)  /* one component link, what waits for credits */
#define SIDE_PAUSE_BYTES     (64 * 1024 * 1024) /* with presence: the host is not read any more */
#define SHARDS_MAX           64                 /* the option `threads` ends there */
#define SHARD_DRAIN_MAX      1024               /* messages handled in one cycle */
#define AGENT_REST_MS        500                /* so long after work memory is given back */
/* In recipients; one of a large frame counts once more for each KiB. */
#define DELIVER_QUANTUM   1024 /* of one room expanded before the next room's turn */
#define DELIVER_CYCLE_MAX 8192 /* expanded before sockets are looked at again */
#define ACCEPT_CYCLE_MAX  16   /* connections accepted before those that are there have a turn */

/* ---- presence that waits for company (shard/window.h) ---- */
#define PRESENCE_WINDOW_FROM  500  /* sessions in a room */
#define PRESENCE_WINDOW_US    3000 /* from one batch to the next */
#define PRESENCE_WINDOW_STEPS 64   /* in one batch */
/* Of all stanzas of a batch; the step that reaches it is the last. */
#define PRESENCE_WINDOW_COPIES 8192

/* ---- connections ---- */
#define CONNECTIONS_MAX        65536             /* per net agent */
#define OPEN_FILES_FEW         16384             /* fewer are worth a warning at start */
#define CLIENT_OUTBOX_MAX      (8 * 1024 * 1024) /* bytes a client may leave unread, lists aside */
#define CLIENT_LIST_KIB_MAX    (128 * 1024)      /* of lists made for one client that wait for it */
#define CLIENT_LIST_ITEMS_MAX  (4 * ROOM_OCCUPANTS_MAX) /* of lists waiting for one client */
#define OUTBOX_HIGH_WATER      (256 * 1024)             /* expansion pauses above it */
#define LINK_OUTBOX_HIGH_WATER (4 * 1024 * 1024)
#define LINK_OUTBOX_PAUSE_READ (64 * 1024 * 1024) /* the host does not read at all: nor do we */
#define HANDSHAKE_SECONDS      30                 /* until a client is authenticated and bound */
#define CLIENT_IDLE_SECONDS    600  /* silent, then pinged by white space and TCP keepalive */
#define CLIENT_DOZE_SECONDS    1    /* silent, then its parser is given back (4 us) */
#define ACCEPT_PAUSE_MS        1000 /* no descriptors left: the door is shut for that long */
#define LINKS_MAX              64   /* component links; bits of a mask */
#define LINK_RECEIVE_BYTES     (256 * 1024)      /* the kernel keeps of a host that is not read */
#define LINK_UNACKED_MAX       (4 * 1024 * 1024) /* written to it: of whose it was is remembered */
#define LINK_PING_SECONDS      60                /* white space to the host server */
#define LINK_STANZA_BYTES_MAX  (1024 * 1024)     /* read from the host; more than ours is refused */
#define CLOSE_SECONDS          2                 /* for the peer to close its side of the stream */
#define SASL_ATTEMPTS_MAX      3
#define SASL_MESSAGE_BYTES_MAX 8192
#define LISTEN_BACKLOG         4096
#define SESSION_ROOMS_MAX                                                                          \
    1000 /* rooms one client session may be in: the memory its net agent has for them */
#define SESSION_PLACES_ASKED  4 /* with each new one, if it has half as many */
#define RESOURCES_PER_ACCOUNT 50
#define LINK_RETRY_MS_MIN     500
#define LINK_RETRY_MS_MAX     30000
#define SHUTDOWN_MS_MAX       1500
#define STORE_STOP_MS         300 /* and what is left of it, for the store; a disk may not answer */

/* ---- the store ---- */
#define STORE_PAGE_MAX      1000  /* archived messages or rooms in one page */
#define STORE_QUERY_MS      5000  /* a page or a search may take; then it is given up */
#define STORE_COUNT_MAX     10000 /* rows looked at to count what a query finds */
#define STORE_TRIM_ROWS     100   /* deleted, or made searchable, in one step */
#define STORE_TRIM_ROOMS    200   /* looked at in one step */
#define STORE_SWEEP_SECONDS 3600  /* from one look at all rooms for what is over its time */
#define STORE_MERGE_PAGES   500   /* of the index for words, in one step of a tool */
#define STORE_BUSY_MS       5000  /* a commit waits for a tool that writes, at most */
#define STORE_SLOW_MS       2000  /* without an answer: then the operator is told */
#define UNREADABLE_SECONDS  60    /* between two lines of rooms that cannot be loaded */
#define STORE_WAL_PAGES     2000 /* written to the log; then it is copied back when there is time */
#define STORE_WAL_PAGES_MAX 8000 /* then at once */
#define STORE_WAL_GATE      16000 /* then readers make way for that: 64 MB */
#define STORE_WAL_RETRY_MS  1000  /* until it is tried again */
#define STORE_GATE_MS       50    /* a commit waits for readers to make way, and they for it */

/* ---- accounts ---- */
#define ACCOUNTS_MAX           100000
#define PASSWORD_BYTES_MAX     1023
#define SCRAM_ITERATIONS       4096 /* RFC 5802: the least; 2 ms (SHA-1), 5 ms (SHA-256) of CPU */
#define REGISTRATIONS_PER_CONN 3

static_assert(STANZA_BYTES_MAX * 6 + STANZA_DECLARED_MAX + STANZA_BYTES_MAX < FRAME_BYTES_MAX,
              "a legal stanza always fits a frame, were it all quotes (&quot;)");
static_assert(ROOM_VCARD_BYTES_MAX < STANZA_BYTES_MAX, "a vCard that is taken can arrive");
static_assert(STANZA_BYTES_UNAUTH <= STANZA_BYTES_MAX, "less before authentication than after");
static_assert(STANZA_BYTES_MAX < CLIENT_OUTBOX_MAX, "one stanza never fills an outbox");
static_assert(ADMIN_LIST_BYTES_MAX + REASON_BYTES_MAX * 8 < FRAME_BYTES_MAX, "one item more fits");
static_assert(CREDITS_PER_SHARD > STANZA_BYTES_MAX / 1024 * 4, "a large stanza fits the credits");
static_assert(CREDITS_LEAST < CREDITS_FIRST && CREDITS_FIRST < CREDITS_PER_SHARD, "a range");
static_assert(SIDE_QUEUE_BYTES_MAX < SIDE_PAUSE_BYTES, "messages first, then all reading");
static_assert(ROOM_LOADS_SILENT_MS < SIDE_WAIT_MS_MAX, "rooms in memory refuse nothing for others");
static_assert(RATE_ROOM_QUEUE_MAX < RATE_ACCOUNTS_MAX, "one that does not wait can be forgotten");
static_assert(PARSER_RENEW_BYTES > STANZA_BYTES_MAX, "a parser lives for more than one stanza");

#endif
