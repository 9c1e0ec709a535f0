#include "bench/load/ledger.h"

#include "bench/load/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SHOWN_MAX 300

uint64_t ledger_fingerprint(uint32_t user)
{
    uint64_t x = user + 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static void add_group(struct ledger *ledger, uint32_t rooms, uint32_t occupants)
{
    unsigned index = ledger->group_count++;
    struct group *group = &ledger->groups[index];
    group->first_room = ledger->room_count;
    group->rooms = rooms;
    group->occupants = occupants;
    for (uint32_t i = 0; i < rooms; i++) {
        struct room *room = &ledger->rooms[ledger->room_count];
        *room = (struct room){
            .first = ledger->user_count, .occupants = occupants, .group = (uint8_t)index};
        for (uint32_t k = 0; k < occupants; k++) {
            struct user *user = &ledger->users[ledger->user_count];
            user->room = ledger->room_count;
            user->entry = NUMBER_NONE;
            user->leaving = NUMBER_NONE;
            user->spoken = NUMBER_NONE;
            room->fingerprints += ledger_fingerprint(ledger->user_count++);
        }
        ledger->room_count++;
    }
}

void ledger_init(struct ledger *ledger, const struct layout *layout)
{
    memset(ledger, 0, sizeof(*ledger));
    size_t rooms = (size_t)layout->rooms + layout->side_rooms;
    size_t users = (size_t)layout->rooms * layout->occupants +
                   (size_t)layout->side_rooms * layout->side_occupants;
    ledger->rooms = must_alloc(rooms * sizeof(*ledger->rooms));
    ledger->users = must_alloc(users * sizeof(*ledger->users));
    ledger->free_rooms = must_alloc((layout->marks_max + 1) * sizeof(*ledger->free_rooms));
    uint32_t marks = 1;
    while (marks < layout->marks_max + 1)
        marks *= 2;
    ledger->mark_mask = marks - 1;
    ledger->marks = must_alloc(marks * sizeof(*ledger->marks));
    for (uint32_t i = 0; i < marks; i++)
        ledger->marks[i].number = NUMBER_NONE;
    add_group(ledger, layout->rooms, layout->occupants);
    if (layout->side_rooms > 0)
        add_group(ledger, layout->side_rooms, layout->side_occupants);
    for (uint32_t i = 0; i < ledger->user_count; i++) {
        struct user *user = &ledger->users[i];
        struct room *room = &ledger->rooms[user->room];
        user->link = (uint16_t)(i % layout->links);
        /* Never the first of a room: the owner reads. */
        user->slow = i != room->first && (uint64_t)i * layout->slow_percent_x100 / 10000 !=
                                             (uint64_t)(i + 1) * layout->slow_percent_x100 / 10000;
        room->readers += !user->slow;
    }
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->users);
    free(ledger->rooms);
    free(ledger->marks);
    free(ledger->free_rooms);
}

bool faults_any(const struct faults *faults)
{
    return faults->misses + faults->duplicates + faults->reordered + faults->errors > 0;
}

static void show(struct ledger *ledger, const char *what, struct span text)
{
    if (ledger->printed++ >= PRINTED_MAX)
        return;
    int size = (int)(text.size < TEXT_SHOWN_MAX ? text.size : TEXT_SHOWN_MAX);
    fprintf(stderr, "stentor-bench: %s: %.*s\n", what, size, text.at);
}

void ledger_error(struct ledger *ledger, const char *what, struct span text)
{
    ledger->faults.errors++;
    show(ledger, what, text);
}

/* ---- marks ---- */

bool ledger_full(const struct ledger *ledger, uint32_t more)
{
    for (uint32_t i = 0; i < more; i++) {
        if (ledger->marks[(ledger->next_mark + i) & ledger->mark_mask].number != NUMBER_NONE)
            return true;
    }
    return false;
}

static void place(struct ledger *ledger, struct mark *mark)
{
    struct room *room = &ledger->rooms[mark->room];
    mark->place = room->placed++;
    if (mark->kind == MARK_MESSAGE)
        room->recent[room->messages++ % RECENT_MAX] = mark->number;
    struct user *sender = &ledger->users[mark->sender];
    if (sender->spoken != NUMBER_NONE && sender->spoken > mark->number) {
        ledger->faults.reordered++;
        show(ledger, "two messages of one sender in the wrong order", (struct span){"", 0});
    }
    sender->spoken = mark->number;
}

uint32_t ledger_mark(struct ledger *ledger, enum mark_kind kind, uint32_t sender, uint64_t due_ns)
{
    uint32_t number = ledger->next_mark++;
    struct mark *mark = &ledger->marks[number & ledger->mark_mask];
    uint32_t in = ledger->users[sender].room;
    struct room *room = &ledger->rooms[in];
    bool copied = kind != MARK_CHANGE;
    *mark = (struct mark){.number = number,
                          .place = ORDER_OPEN,
                          .left = copied ? room->readers + (kind == MARK_ENTRY) : 1,
                          .room = in,
                          .sender = sender,
                          .kind = kind,
                          .due_ns = due_ns};
    ledger->expected += mark->left;
    ledger->groups[room->group].outstanding++;
    if (kind == MARK_ENTRY)
        ledger->users[sender].entry = number;
    if (kind == MARK_LEAVE)
        ledger->users[sender].leaving = number;
    if (ledger->ordered && copied)
        place(ledger, mark);
    return number;
}

void ledger_sent(struct ledger *ledger, uint32_t mark, uint64_t sent_ns)
{
    ledger->marks[mark & ledger->mark_mask].sent_ns = sent_ns;
}

static void complete(struct ledger *ledger, struct mark *mark)
{
    struct group *group = &ledger->groups[ledger->rooms[mark->room].group];
    mark->number = NUMBER_NONE;
    group->outstanding--;
    group->completed += mark->kind != MARK_LEAVE;
    if (mark->kind < MARK_ENTRY)
        return;
    ledger->free_rooms[ledger->free_count++ & ledger->mark_mask] = mark->room;
    if (ledger->timed)
        hist_add(&group->latency, ledger->now_ns - mark->due_ns, 1);
}

void ledger_copies_came(struct ledger *ledger, struct mark *mark, uint32_t count)
{
    struct group *group = &ledger->groups[ledger->rooms[mark->room].group];
    ledger->got += count;
    group->delivered += count;
    if (ledger->timed && mark->kind <= MARK_UPDATE)
        hist_add(&group->latency, ledger->now_ns - mark->due_ns, count);
    if (ledger->timed && ledger->open)
        hist_add(&group->admitted, ledger->now_ns - mark->sent_ns, count);
    mark->left -= count;
    if (mark->left == 0)
        complete(ledger, mark);
}

void ledger_settle(struct ledger *ledger)
{
    struct mark *mark = ledger->run.mark;
    uint32_t count = ledger->run.count;
    ledger->run.mark = NULL;
    ledger->run.count = 0;
    if (count == 0)
        return;
    ledger->received += count;
    ledger_copies_came(ledger, mark, count);
}

/* ---- copies ---- */

static void note_gap(struct ledger *ledger, uint32_t user, uint32_t place)
{
    if (ledger->gap_count < GAPS_MAX) {
        ledger->gaps[ledger->gap_count].user = user;
        ledger->gaps[ledger->gap_count++].place = place;
    }
}

static bool fill_gap(struct ledger *ledger, uint32_t user, uint32_t place)
{
    for (unsigned i = 0; i < ledger->gap_count; i++) {
        if (ledger->gaps[i].user == user && ledger->gaps[i].place == place) {
            ledger->gaps[i] = ledger->gaps[--ledger->gap_count];
            return true;
        }
    }
    return false;
}

/* A copy that is not the one to come next: something was passed over, comes late, or comes again.
 */
static void out_of_place(struct ledger *ledger, struct mark *mark, uint32_t to, struct span text)
{
    struct user *user = &ledger->users[to];
    if (mark->place > user->at) {
        show(ledger, "something before this is missing", text);
        while (user->at < mark->place)
            note_gap(ledger, to, user->at++);
        user->at++;
        ledger_copies_came(ledger, mark, 1);
        return;
    }
    if (fill_gap(ledger, to, mark->place)) {
        ledger->faults.reordered++;
        show(ledger, "late, behind later ones", text);
        ledger_copies_came(ledger, mark, 1);
        return;
    }
    ledger->faults.duplicates++;
    show(ledger, "a second time", text);
}

void ledger_copy(struct ledger *ledger, const struct seen *seen, struct span text)
{
    ledger_settle(ledger);
    struct mark *mark = &ledger->marks[seen->mark & ledger->mark_mask];
    struct user *user = &ledger->users[seen->to];
    if (user->slow)
        return;
    if (mark->number != seen->mark) {
        if (seen->mark >= ledger->next_mark) {
            ledger_error(ledger, "nobody sent this", text);
            return;
        }
        ledger->faults.duplicates++;
        show(ledger, "a second time, all have it", text);
        return;
    }
    if (mark->room != user->room || mark->room != seen->room || mark->sender != seen->nick) {
        ledger_error(ledger, "not for this user, or not from its sender", text);
        return;
    }
    if (mark->place == ORDER_OPEN)
        place(ledger, mark);
    if (user->at != mark->place) {
        out_of_place(ledger, mark, seen->to, text);
        return;
    }
    user->at++;
    ledger->received--; /* the run will count it */
    ledger->run.mark = mark;
    ledger->run.count = 1;
}

/* The sender was told that the server is busy: nobody is given this one. */
static void refuse(struct ledger *ledger, const struct seen *seen, struct span text)
{
    ledger_settle(ledger);
    struct mark *mark = &ledger->marks[seen->mark & ledger->mark_mask];
    struct room *room = &ledger->rooms[ledger->users[seen->to].room];
    ledger->received--;
    if (!ledger->refusals || mark->number != seen->mark || mark->sender != seen->to ||
        mark->left != room->readers || mark->kind > MARK_UPDATE) {
        ledger_error(ledger, "refused", text);
        return;
    }
    ledger->expected -= mark->left;
    ledger->refused++;
    ledger->groups[room->group].outstanding--;
    mark->number = NUMBER_NONE;
}

/* The change was made, and who asked for it is told. */
static void answer(struct ledger *ledger, const struct seen *seen, struct span text)
{
    ledger_settle(ledger);
    struct mark *mark = &ledger->marks[seen->mark & ledger->mark_mask];
    if (seen->mark == NUMBER_NONE || mark->number != seen->mark || mark->kind != MARK_CHANGE ||
        mark->sender != seen->to)
        ledger_error(ledger, "an answer that nobody waits for", text);
    else
        ledger_copies_came(ledger, mark, 1);
}

static void take(struct ledger *ledger, const struct seen *seen, struct span text)
{
    ledger->received++;
    switch (seen->kind) {
    case SEEN_GROUPCHAT:
        if (seen->mark == NUMBER_NONE || seen->nick == NUMBER_NONE)
            ledger_error(ledger, "unexpected", text);
        else
            ledger_copy(ledger, seen, text);
        return;
    case SEEN_HERE:
        ledger_here(ledger, seen, text);
        return;
    case SEEN_GONE:
        ledger_gone(ledger, seen, text);
        return;
    case SEEN_HISTORY:
        ledger_past(ledger, seen, text);
        return;
    case SEEN_SUBJECT:
        ledger_subject(ledger, seen, text);
        return;
    case SEEN_BUSY:
        refuse(ledger, seen, text);
        return;
    case SEEN_NOTICE:
        if (!ledger->changing)
            ledger_error(ledger, "unexpected", text);
        return;
    case SEEN_RESULT:
        answer(ledger, seen, text);
        return;
    case SEEN_ERROR:
    case SEEN_OTHER:
        ledger_error(ledger, "unexpected", text);
        return;
    }
}

void ledger_take(struct ledger *ledger, uint32_t link, const struct seen *seen, struct span text)
{
    if (seen->to >= ledger->user_count || ledger->users[seen->to].link != link) {
        ledger_error(ledger, "not for a user of this connection", text);
        return;
    }
    if (seen->room != ledger->users[seen->to].room) {
        ledger_error(ledger, "not from the room of this user", text);
        return;
    }
    take(ledger, seen, text);
}

void ledger_again(struct ledger *ledger, uint32_t link, const struct seen *seen, struct span text)
{
    struct mark *mark = ledger->run.mark;
    if (mark == NULL || seen->to >= ledger->user_count) {
        ledger_take(ledger, link, seen, text);
        return;
    }
    struct user *user = &ledger->users[seen->to];
    if (user->at != mark->place || user->room != mark->room || user->link != link || user->slow) {
        ledger_take(ledger, link, seen, text);
        return;
    }
    user->at++;
    ledger->run.count++;
}

void ledger_write_off(struct ledger *ledger)
{
    ledger_settle(ledger);
    ledger->faults.misses += ledger->expected - ledger->got;
    ledger->expected = ledger->got;
    ledger->gap_count = 0;
    for (uint32_t i = 0; i <= ledger->mark_mask; i++)
        ledger->marks[i].number = NUMBER_NONE;
    for (unsigned i = 0; i < ledger->group_count; i++)
        ledger->groups[i].outstanding = 0;
    for (uint32_t i = 0; i < ledger->user_count; i++)
        ledger->users[i].at = ledger->rooms[ledger->users[i].room].placed;
}
