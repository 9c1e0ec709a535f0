/*
 * Random conversations with the pure core, each checked after every step against a naive model, the
 * clients' own beliefs and the rules of who may see whose address.
 *
 *   converse [--seed N] [--seeds COUNT] [--steps EACH] [--hours H] [--print] [--frames]
 *
 * Every other conversation has a store: what it keeps comes late at times, or is not kept, and at
 * times the process ends and begins anew.
 *
 * One seed is one conversation and always the same. Without --hours: COUNT conversations from seed
 * N on. With: conversations until the time is over. A failure ends the program with status 1 and
 * says which seed and step; "converse --seed N --steps STEP" shows that conversation, line by line;
 * --frames adds what everybody was sent.
 */
#include "core/xmpp/prep.h"
#include "tests/random/talk.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct wishes {
    uint64_t seed;
    unsigned long seeds, steps;
    double hours;
    bool print, frames;
};

struct sums {
    unsigned long steps, done, refused, heard, put_out, entered, searched, permitted;
    unsigned long asked, consented, lined_up;
    unsigned long by_refusal[R_COUNT];
    unsigned long waited, not_kept, restarts;
};

static const struct talk *volatile now; /* for on_abort() */

/* A broken invariant of the core ends the process from within it: the seed is said nevertheless. */
static void on_abort(int number)
{
    char line[200];
    const struct talk *talk = now;
    if (talk != NULL) {
        int len = snprintf(line, sizeof(line),
                           "\nseed %llu, step %lu: stopped from within\n"
                           "  again: converse --seed %llu --steps %lu\n  after: ",
                           (unsigned long long)talk->seed, talk->step,
                           (unsigned long long)talk->seed, talk->step);
        ssize_t written = write(STDERR_FILENO, line, (size_t)len);
        written += write(STDERR_FILENO, talk->text, strlen(talk->text));
        written += write(STDERR_FILENO, "\n", 1);
        (void)written;
    }
    signal(number, SIG_DFL);
    raise(number);
}

static uint64_t converse(uint64_t seed, const struct wishes *wishes, struct sums *sums)
{
    struct talk *talk = talk_new(seed, wishes->print, wishes->frames);
    now = talk;
    while (talk->step < wishes->steps)
        talk_do_something(talk);
    talk_shutdown(talk);
    now = NULL;
    uint64_t digest = talk->digest;
    sums->steps += talk->step;
    sums->done += talk->done;
    sums->refused += talk->refused;
    sums->heard += talk->heard;
    sums->put_out += talk->put_out;
    sums->entered += talk->entered;
    sums->waited += talk->waited;
    sums->not_kept += talk->not_kept;
    sums->restarts += talk->restarts;
    sums->asked += talk->asked;
    sums->consented += talk->consented;
    sums->lined_up += talk->lined_up;
    sums->searched += privacy_searched(talk->privacy);
    sums->permitted += privacy_permitted(talk->privacy);
    for (int i = 0; i < R_COUNT; i++)
        sums->by_refusal[i] += talk->by_refusal[i];
    talk_free(talk);
    return digest;
}

/* A conversation that went nowhere proves nothing. */
static bool went_somewhere(const struct sums *sums)
{
    bool good = sums->done > sums->steps / 5 && sums->refused > sums->steps / 10 &&
                sums->heard > sums->steps / 10 && sums->put_out > sums->steps / 100 &&
                sums->entered > sums->steps / 50 && sums->searched > sums->steps &&
                sums->permitted > sums->steps / 10 && sums->lined_up > sums->steps / 10;
    bool allowed = sums->asked > sums->steps / 1000 && sums->consented > sums->steps / 10000;
    bool stored = sums->waited > 0 && sums->not_kept > 0 && sums->restarts > 0;
    good = good && ((allowed && stored) || sums->steps < 100000);
    for (int i = 0; i < R_COUNT; i++)
        good = good && (sums->by_refusal[i] > 0 || sums->steps < 100000);
    if (!good)
        printf("not enough happened for that to mean anything\n");
    return good;
}

static void say(const struct sums *sums, unsigned long seeds)
{
    printf("%lu conversations, %lu steps: %lu done, %lu refused; %lu entered, %lu put out, "
           "%lu heard; %lu requests given to who enters, %lu consents; %lu with a shared list; "
           "%lu stanzas searched, %lu with an address rightly; %lu waited for the store, %lu were "
           "not kept, %lu restarts\n",
           seeds, sums->steps, sums->done, sums->refused, sums->entered, sums->put_out, sums->heard,
           sums->asked, sums->consented, sums->lined_up, sums->searched, sums->permitted,
           sums->waited, sums->not_kept, sums->restarts);
}

static bool read_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= 0;
}

static bool read_wishes(int argc, char **argv, struct wishes *wishes)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"seeds", required_argument, NULL, 'c'},
        {"steps", required_argument, NULL, 'n'},
        {"hours", required_argument, NULL, 'h'},
        {"print", no_argument, NULL, 'p'},
        {"frames", no_argument, NULL, 'f'},
        {NULL, 0, NULL, 0},
    };
    bool seed = false, several = false;
    double number = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == '?' || (option != 'p' && option != 'f' && !read_number(optarg, &number)))
            return false;
        if (option == 's')
            wishes->seed = (uint64_t)number;
        else if (option == 'c')
            wishes->seeds = (unsigned long)number;
        else if (option == 'n')
            wishes->steps = (unsigned long)number;
        else if (option == 'h')
            wishes->hours = number;
        seed = seed || option == 's';
        several = several || option == 'c' || option == 'h';
        wishes->print = wishes->print || option == 'p';
        wishes->frames = wishes->frames || option == 'f';
    }
    if (seed && !several) /* one alone is to be read */
        wishes->print = true;
    return optind == argc && wishes->steps > 0;
}

int main(int argc, char **argv)
{
    struct wishes wishes = {.seed = 1, .seeds = 1, .steps = 2000};
    struct sums sums = {0}, again = {0};
    unsigned long seeds = 0;
    time_t began = time(NULL);

    if (!read_wishes(argc, argv, &wishes)) {
        fprintf(stderr, "usage: converse [--seed N] [--seeds COUNT] [--steps EACH] [--hours H] "
                        "[--print] [--frames]\n");
        return 2;
    }
    if (prep_init() < 0) {
        fprintf(stderr, "converse: ICU has no data for preparing addresses\n");
        return 2;
    }
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    while (wishes.hours > 0 ? difftime(time(NULL), began) < wishes.hours * 3600
                            : seeds < wishes.seeds) {
        uint64_t digest = converse(wishes.seed + seeds, &wishes, &sums);
        if (seeds++ > 0 || wishes.print)
            continue;
        if (converse(wishes.seed, &wishes, &again) != digest) {
            printf("seed %llu is not the same twice\n", (unsigned long long)wishes.seed);
            return 1;
        }
    }
    say(&sums, seeds);
    prep_fini();
    return wishes.print || went_somewhere(&sums) ? 0 : 1;
}
