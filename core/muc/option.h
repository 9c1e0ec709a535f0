/*
 * Room options: one row drives form field, submission, default from the configuration, range and
 * notification status. A feature lists its rows; core/muc/option.c walks them all.
 */
#ifndef CORE_MUC_OPTION_H
#define CORE_MUC_OPTION_H

#include "core/base/str.h"
#include "core/muc/privilege.h"
#include "core/xmpp/form.h"

#include <stdbool.h>
#include <stdint.h>

/* Bits of presencebroadcast (SEMANTICS 4.2, 4.5). */
enum broadcast_bit {
    BROADCAST_NONE = 1, /* absent affiliated users are shown */
    BROADCAST_VISITOR = 2,
    BROADCAST_PARTICIPANT = 4,
    BROADCAST_MODERATOR = 8,
};

enum whois { WHOIS_MODERATORS, WHOIS_ANYONE };
enum tell_absent { TELL_NOBODY, TELL_MEMBERS, TELL_ALL };
enum visitor_pm { VISITOR_PM_ANYONE, VISITOR_PM_MODERATORS, VISITOR_PM_NOBODY };
enum reserved_nick { RESERVED_NICK_FREE, RESERVED_NICK_REWRITE, RESERVED_NICK_REFUSE };
enum password_bypass { BYPASS_NONE, BYPASS_ADMINS, BYPASS_OWNERS };
enum allow_pm { PM_ANYONE, PM_PARTICIPANTS, PM_MODERATORS, PM_NONE, PM_AFFILIATED };

/* Every option of a room, by value except texts (heap, owned, may be absent). */
struct room_options {
    struct str name;
    struct str description;
    struct str language;
    struct str password; /* absent or empty: not protected */
    struct str contact;  /* bare or full JIDs, one a line */
    struct str logs_url; /* where people read what was said */
    struct str pubsub;   /* node that goes with the room */
    bool persistent;
    bool is_public;
    bool members_only;
    bool moderated;
    bool change_subject; /* participants may */
    bool allow_invites;  /* members and occupants may invite where only admins could */
    bool invite_members; /* who is made a member of a closed room is told so by an invitation */
    bool absent_role;    /* what is said of absent accounts has a role: none */
    bool destroy_none;   /* who is put out by the room's end is told no affiliation */
    bool allow_query;    /* IQs between occupants */
    bool moderator_pm;   /* private messages from and to moderators whatever allow_pm says */
    bool allow_register; /* unaffiliated users may register */
    bool archive;        /* messages are kept for who asks (0313); takes a store */
    bool logged;         /* somebody publishes what is said: who enters is warned */
    bool outside_admins; /* change roles of those inside */
    bool kick_equals;    /* moderators may kick others of their rank */
    bool conceal;        /* hidden and members-only: strangers learn nothing by discovery */
    bool public_list;    /* occupants listed in disco#items */
    bool visitor_nick_change;
    bool visitor_status;
    bool voice_requests;
    bool own_corrections;        /* others' messages that are kept cannot be corrected */
    bool since_exclusive;        /* of the moment a newcomer names, nothing is sent */
    bool see_all;                /* moderators see every presence whatever is broadcast */
    bool many_sessions;          /* one nickname for several clients of an account */
    bool registration;           /* nicknames can be registered */
    bool approve_registration;   /* strangers are registered only if an admin allows it */
    uint32_t visitor_pm;         /* enum visitor_pm: to whom, within allow_pm */
    uint32_t reserved_nick_only; /* enum reserved_nick: who has one and asks for another */
    uint32_t password_bypass;    /* enum password_bypass: who need not know the password */
    uint32_t max_users;          /* 0: only ROOM_OCCUPANTS_MAX */
    uint32_t history;            /* messages kept */
    uint32_t history_default;    /* messages sent to who asks for nothing */
    uint32_t newcomers;          /* enum newcomers */
    uint32_t whois;              /* enum whois */
    uint32_t allow_pm;           /* enum allow_pm */
    uint32_t broadcast;          /* enum broadcast_bit, a set */
    uint32_t member_list;        /* who may read affiliation lists: bits 1 << enum role */
    uint32_t tell_absent;        /* enum tell_absent: which changes, made while it is not inside */
    uint32_t register_fields;    /* what they are asked then: bits 1 << enum register_field */
    uint32_t voice_seconds;      /* between two requests for voice; 0: none */
    uint32_t quiet_above;        /* so many are shown, who comes then is not; 0: all are */
    uint32_t keep_days;          /* of archived messages; 0: as the service does */
    uint32_t keep_count;         /* the same */
    uint32_t ping_minutes;       /* of silence until a session is asked; 0: none is */
    uint32_t message_rate;       /* of one account, in a second; 0: any */
    uint32_t message_burst;      /* at once */
    uint32_t presence_rate;      /* of one account, in a minute, and so many at once; 0: any */
};

static inline struct room_kind room_kind(const struct room_options *options)
{
    return (struct room_kind){options->moderated, options->members_only,
                              (enum newcomers)options->newcomers};
}

void room_options_copy(struct room_options *to, const struct room_options *from);
void room_options_fini(struct room_options *options);
/* A copy whose texts lie in the arena; not for room_options_fini(). */
const struct room_options *room_options_in(struct arena *arena, const struct room_options *options);

/* What a stored room calls its options. A number is neither changed nor used again; new ones come
 * last. */
enum option_id {
    OPTION_ID_CHANGE_SUBJECT = 1,
    OPTION_ID_VISITOR_STATUS,
    OPTION_ID_VISITOR_NICK_CHANGE,
    OPTION_ID_RESERVED_NICK_ONLY,
    OPTION_ID_ALLOW_INVITES,
    OPTION_ID_INVITE_MEMBERS,
    OPTION_ID_ALLOW_PM,
    OPTION_ID_MODERATOR_PM,
    OPTION_ID_ALLOW_REGISTER,
    OPTION_ID_ALLOW_QUERY,
    OPTION_ID_VOICE_REQUESTS,
    OPTION_ID_VOICE_REQUEST_MIN_INTERVAL,
    OPTION_ID_TELL_ABSENT,
    OPTION_ID_ABSENT_ROLE,
    OPTION_ID_DESTROY_ITEM_NONE,
    OPTION_ID_NAME,
    OPTION_ID_DESCRIPTION,
    OPTION_ID_LANGUAGE,
    OPTION_ID_PERSISTENT,
    OPTION_ID_PUBLIC,
    OPTION_ID_PUBLIC_LIST,
    OPTION_ID_ARCHIVE,
    OPTION_ID_PASSWORD,
    OPTION_ID_MEMBERS_ONLY,
    OPTION_ID_MEMBER_LIST,
    OPTION_ID_MODERATED,
    OPTION_ID_MAX_USERS,
    OPTION_ID_WHOIS,
    OPTION_ID_BROADCAST,
    OPTION_ID_SEE_ALL,
    OPTION_ID_HISTORY,
    OPTION_ID_HISTORY_DEFAULT,
    OPTION_ID_CONTACT,
    OPTION_ID_LOGS_URL,
    OPTION_ID_PUBSUB,
    OPTION_ID_LOGGED,
    OPTION_ID_CONCEAL,
    OPTION_ID_OWN_CORRECTIONS,
    OPTION_ID_REGISTRATION,
    OPTION_ID_APPROVE_REGISTRATION,
    OPTION_ID_REGISTER_FIELDS,
    OPTION_ID_VISITOR_PM,
    OPTION_ID_SINCE_EXCLUSIVE,
    OPTION_ID_QUIET_ABOVE,
    OPTION_ID_PING_MINUTES,
    OPTION_ID_MANY_SESSIONS,
    OPTION_ID_PASSWORD_BYPASS,
    OPTION_ID_NEWCOMERS,
    OPTION_ID_OUTSIDE_ADMINS,
    OPTION_ID_KICK_EQUALS,
    OPTION_ID_MESSAGE_RATE,
    OPTION_ID_MESSAGE_BURST,
    OPTION_ID_PRESENCE_RATE,
    OPTION_ID_KEEP_DAYS,
    OPTION_ID_KEEP_COUNT,
};

enum option_type {
    OPTION_BOOL,   /* bool */
    OPTION_TEXT,   /* struct str, text-single */
    OPTION_MULTI,  /* struct str, text-multi (lines) */
    OPTION_JIDS,   /* struct str, jid-multi: prepared addresses (lines) */
    OPTION_SECRET, /* struct str, text-private */
    OPTION_NUMBER, /* uint32_t, list-single of the choices; the operator may take any in range */
    OPTION_CHOICE, /* uint32_t, index of one of the choices, list-single */
    OPTION_SET,    /* uint32_t, bits of the choices, list-multi */
};

struct option_choice {
    const char *value; /* on the wire and in the configuration */
    const char *label;
    uint32_t number; /* stored; for OPTION_SET the bit */
    bool hidden;     /* accepted, not offered (another vocabulary for the same) */
};

struct option {
    enum option_id id;
    const char *name;       /* in the configuration: muc.defaults.NAME */
    const char *field;      /* var in the owner's form; NULL: not offered there */
    const char *aliases[3]; /* other vars accepted */
    const char *info[2];    /* vars in the room's disco#info; none: not told there */
    const char *label;
    enum option_type type;
    uint16_t offset;   /* in struct room_options */
    uint32_t min, max; /* numbers: range; texts: max bytes */
    const struct option_choice *choices;
    uint8_t choice_count;
    uint16_t status_on; /* code when it changes to on (or at all); 0: 104 */
    uint16_t status_off;
    const char *preset; /* default as text */
    const char *help;   /* one line for the sample configuration */
};

/* All rows of all features, in the order of core/muc/features.c. *count is set. */
const struct option *const *options_all(unsigned *count);
const struct option *option_by_id(uint64_t id);
const struct option *option_by_name(struct str name);
const struct option *option_by_field(struct str field);

/* The presets of all rows. Heap texts: room_options_fini(). */
void options_preset(struct room_options *options);
/* From the configuration's or a form's text. False: not a possible value; *why is a static text
 * ("must be on or off", "must be 0 to 500", ...). */
MUST_CHECK bool option_set_text(struct room_options *options, const struct option *option,
                                struct str text, const char **why);
/* The value as text for a stored room; borrowed from the options, or in the arena. */
struct str option_stored(const struct option *option, const struct room_options *options,
                         struct arena *arena);
/* And back. False as option_set_text(). */
MUST_CHECK bool option_set_stored(struct room_options *options, const struct option *option,
                                  struct str text, const char **why);
/* From a submitted field, all its values. A number has to be one of the choices, if there are any,
 * or the one in force. */
MUST_CHECK bool option_set_field(struct room_options *options, const struct option *option,
                                 const struct form_field *field);
/* One field of the owner's form with the current value. */
void option_write_field(struct fb *fb, const struct option *option,
                        const struct room_options *options);
/* The option as the room's disco#info tells it: nothing if it is not told, or an empty text. */
void option_write_info(struct fb *fb, const struct option *option,
                       const struct room_options *options);
bool option_equal(const struct option *option, const struct room_options *a,
                  const struct room_options *b);

#endif
