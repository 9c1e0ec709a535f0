/*
 * One random conversation: the core, the naive model, what every client believes, and the watcher
 * over addresses. An act says what it does and what the model thinks of it; what came of it is
 * checked here. The first thing that is wrong ends the program with the seed and the step, and with
 * the command that shows it again.
 */
#ifndef TESTS_RANDOM_TALK_H
#define TESTS_RANDOM_TALK_H

#include <setjmp.h>

#include "tests/random/model.h"
#include "tests/random/picture.h"
#include "tests/support/privacy.h"
#include "tests/support/world.h"

enum {
    TALK_SAID = 64,
    TALK_RELAYS = 16,
    TALK_TEXT = 64 * 1024,
    TALK_FRAMES_MIN = 64,
    TALK_ID = 24
};

/* What came in this step, in order. */
struct talk_frame {
    int client; /* or CAST_NOBODY */
    int room;   /* whom it is from, or CAST_NOBODY */
    const char *stanza;
};

/* A request that was passed on and may be answered. */
struct talk_relay {
    int room;
    int asker; /* client */
    int asked; /* client, or entry of the account if: */
    bool to_account;
    char id[TALK_ID];
    char sealed[1024]; /* id it came with; empty: a free place */
};

/* The id a room has given to what was said. */
struct talk_said {
    unsigned long number; /* 0: a free place */
    char id[40];
};

struct talk {
    uint64_t seed;
    uint64_t random;
    bool print, frames_shown; /* what is sent, what comes */
    unsigned long step;
    uint64_t digest; /* of everything that came */
    struct world *world;
    struct model model;
    bool durable;            /* there is a store */
    bool calm;               /* and it keeps everything at once, for this act */
    bool replaces;           /* what is sent takes the words of another message away */
    struct model model_then; /* as it was before the step */
    jmp_buf over;            /* to where a step ends that the store has refused */
    struct privacy *privacy;
    struct picture pictures[CAST_CLIENTS][CAST_ROOMS];
    int prober; /* client that probed in this step, or CAST_NOBODY */
    struct talk_frame *frames;
    unsigned frame_count, frame_cap;
    struct talk_relay relays[TALK_RELAYS];
    unsigned relay_next;
    struct talk_said said[TALK_SAID];
    unsigned said_next;
    char id[TALK_ID]; /* of the stanza in hand */
    char text[TALK_TEXT];
    char extra[300];
    unsigned len;
    /* how much of what happened, so that a conversation that goes nowhere fails */
    unsigned long done, refused, heard, put_out, entered, by_refusal[R_COUNT];
    unsigned long waited, not_kept, restarts;
    unsigned long asked, consented, lined_up;
};

/* A conversation by that seed, shown or not; ends with talk_free(). */
struct talk *talk_new(uint64_t seed, bool print, bool frames);
void talk_free(struct talk *talk);

/* ---- for acts ---- */

static inline unsigned pick(struct talk *talk, unsigned count)
{
    return cast_pick(&talk->random, count);
}

/* One in `count`. */
static inline bool rarely(struct talk *talk, unsigned count)
{
    return cast_pick(&talk->random, count) == 0;
}

static inline struct model_room *talk_room(struct talk *talk, int room)
{
    return &talk->model.rooms[room];
}

/* A step begins: a new id, and the text of its stanza is empty. */
void talk_begin(struct talk *talk);
/* Adds to the text. */
void talk_write(struct talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A field of a form, with one value (escaped). */
void talk_field(struct talk *talk, const char *var, const char *value);

/* Something clients may attach to anything. What only the room may say has "forged" in it, and must
 * never be seen again. */
const char *talk_extra(struct talk *talk, int room);

/* What an act expects as answer. */
enum talk_answer {
    ANSWER_REQUEST, /* exactly one, a result or an error */
    ANSWER_REFUSAL, /* only if it is refused */
    ANSWER_ANY,     /* one or none; the model was not asked */
    ANSWER_NONE,    /* whatever it is */
};

/* Sends the text. `refused` is what the model thinks of it. */
void talk_send(struct talk *talk, int client, int room, unsigned refused, enum talk_answer answer);
/* The same from an address that is no client's, a server for one; nothing is answered to a client.
 */
void talk_send_as(struct talk *talk, const char *from);
/* Everybody reads what came; done by talk_send(). */
void talk_believe(struct talk *talk);
/* Exactly these clients (bits) have heard a stanza that has `mark` in it, each once. */
void talk_heard_by(struct talk *talk, unsigned clients, const char *mark);
/* Checks all that has to hold after any step. */
void talk_end(struct talk *talk);

/* What the store thinks of what is sent. */
enum talk_store { STORE_AS_USUAL, STORE_LATER, STORE_NEVER };
enum talk_store talk_store_choose(struct talk *talk, int room);
/* It makes up its mind. */
void talk_store_settle(struct talk *talk, int room, enum talk_store store);
/* What it has refused has not happened, and the step is over. */
void talk_store_check(struct talk *talk, int client, int room, enum talk_store store);
/* The process ends, and begins with what was kept. */
void talk_restart(struct talk *talk);

/* The last step: everybody is told that it is over. */
void talk_shutdown(struct talk *talk);

/* Ends the program. */
void talk_fail(struct talk *talk, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The speaker has heard what it said: the id it was given is remembered. */
void talk_remember(struct talk *talk, int client);

/* All clients of an occupant, or of everybody inside, as bits. */
unsigned talk_clients(const struct model_occupant *occupant);
unsigned talk_everybody(const struct model_room *room);

/* <item/>s in all that came. */
unsigned talk_count_items(struct talk *talk);

/* ---- acts: everything anybody may do; each is one step or a few ---- */
typedef void talk_act(struct talk *talk, int client, int room);
void talk_do_something(struct talk *talk);

talk_act act_moderate, act_retract, act_consent, act_flood;
talk_act act_join, act_presence, act_leave, act_speak, act_subject, act_whisper, act_bounce;
talk_act act_probe, act_ping, act_query, act_answer, act_vanish, act_time, act_server_gone;
talk_act act_roles, act_affiliations, act_mixed_items, act_list, act_configure, act_cancel;
talk_act act_order;
talk_act act_open, act_staff, act_owner_form, act_destroy, act_register, act_invite, act_decline;
talk_act act_invite_bounces, act_ask_voice, act_grant_voice, act_nonsense, act_ask_room,
    act_stranger, act_card;

#endif
