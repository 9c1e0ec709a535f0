#include "bench/load/report.h"

#include <inttypes.h>
#include <string.h>

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double per_second(const struct outcome *outcome)
{
    return share((double)outcome->deliveries, outcome->seconds);
}

static double cpu_us(const struct outcome *outcome)
{
    return share(outcome->server_cpu_s * 1e6, (double)outcome->deliveries);
}

static double cpu_us_per_message(const struct outcome *outcome)
{
    return share(outcome->server_cpu_s * 1e6, (double)outcome->messages);
}

static double above(uint64_t after, uint64_t before, uint64_t count)
{
    return after > before ? share((double)(after - before), (double)count) : 0;
}

void report_head(FILE *out)
{
    fprintf(out, "%-16s %-14s %4s %-9s %11s %8s %11s %8s %7s %9s %9s %9s %9s %7s %6s\n", "plan",
            "target", "thr", "step", "deliveries", "seconds", "per s", "CPU us", "load us",
            "p50 us", "p95 us", "p99 us", "p99.9 us", "RSS MB", "limit");
}

static void row(FILE *out, const struct report *report, const struct outcome *o, double limit)
{
    char threads[24], of_limit[16] = "-";
    snprintf(threads, sizeof(threads), "%u+%u", report->threads, report->net_threads);
    if (limit > 0)
        snprintf(of_limit, sizeof(of_limit), "%.0f%%", 100 * per_second(o) / limit);
    fprintf(out,
            "%-16s %-14s %4s %-9s %11" PRIu64 " %8.3f %11.0f %8.3f %7.3f %9.0f %9.0f %9.0f %9.0f "
            "%7.1f %6s\n",
            report->plan->name, report->target, threads, o->name, o->deliveries, o->seconds,
            per_second(o), cpu_us(o), share(o->own_cpu_s * 1e6, (double)o->deliveries),
            o->latency.p50, o->latency.p95, o->latency.p99, o->latency.p999,
            (double)o->rss_bytes / 1e6, of_limit);
    if (o->is_open)
        fprintf(out, "    from when they were sent: p50 %.0f, p95 %.0f, p99 %.0f, p99.9 %.0f us\n",
                o->admitted.p50, o->admitted.p95, o->admitted.p99, o->admitted.p999);
    if (o->has_side)
        fprintf(out,
                "    the small rooms beside: %" PRIu64 " deliveries, p50 %.0f, p95 %.0f, "
                "p99 %.0f, p99.9 %.0f us\n",
                o->side_deliveries, o->side_latency.p50, o->side_latency.p95, o->side_latency.p99,
                o->side_latency.p999);
    if (o->messages > 0)
        fprintf(out, "    %s: %" PRIu64 ", %.0f per s, %.1f us of CPU each\n",
                strcmp(o->name, "churn") == 0     ? "cycles"
                : strcmp(o->name, "changes") == 0 ? "changes"
                                                  : "messages",
                o->messages, share((double)o->messages, o->seconds), cpu_us_per_message(o));
}

void report_rows(FILE *out, const struct report *report, double limit_per_s)
{
    const struct result *result = report->result;
    const struct outcome *measured = result_measured(result, report->plan);
    for (unsigned i = 0; i < result->outcome_count; i++) {
        const struct outcome *outcome = &result->outcomes[i];
        row(out, report, outcome, outcome == measured ? limit_per_s : 0);
    }
    uint64_t users = result->users;
    if (result->clients)
        fprintf(out,
                "    clients: %" PRIu64 " connected in %.2f s, %.0f bytes each; %.0f bytes "
                "each when in the rooms\n",
                users, result->connect_seconds,
                above(result->rss_connected, result->rss_start, users),
                above(result->rss_joined, result->rss_start, users));
    else if (result->rss_joined > 0)
        fprintf(out, "    memory: %.0f bytes per occupant, %.0f per room, peak %.1f MB\n",
                above(result->rss_joined, result->rss_start, users),
                above(result->rss_joined, result->rss_start, result->rooms),
                (double)result->rss_peak / 1e6);
    if (report->plan->stored_rooms > 0)
        fprintf(out, "    started in %.3f s, %.1f MB, with %" PRIu64 " rooms stored\n",
                result->start_seconds, (double)result->rss_start / 1e6, report->plan->stored_rooms);
    if (result->rss_left > 0)
        fprintf(out, "    when all have left: %.0f bytes per room; when they are idle: %.0f\n",
                above(result->rss_left, result->rss_start, result->rooms),
                above(result->rss_idle, result->rss_start, result->rooms));
    if (report->plan->slow_percent > 0)
        fprintf(out, "    put out for not reading: %" PRIu64 "\n", result->removed);
    if (result->refused > 0)
        fprintf(out, "    refused because the server was busy: %" PRIu64 " messages\n",
                result->refused);
    const struct faults *faults = &result->faults;
    if (result->failed[0] != '\0')
        fprintf(out, "%-16s %-14s FAILED: %s\n", report->plan->name, report->target,
                result->failed);
    if (faults_any(faults))
        fprintf(out,
                "    FAILED: %" PRIu64 " missing, %" PRIu64 " twice, %" PRIu64
                " out of order, %" PRIu64 " other errors\n",
                faults->misses, faults->duplicates, faults->reordered, faults->errors);
    fflush(out);
}

static void json_quantiles(FILE *out, const char *name, const struct quantiles *q)
{
    fprintf(out,
            "\"%s\": {\"p50\": %.1f, \"p95\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}",
            name, q->p50, q->p95, q->p99, q->p999, q->max);
}

static void json_outcome(FILE *out, const struct outcome *o)
{
    fprintf(out,
            "\"step\": \"%s\", \"deliveries\": %" PRIu64 ", \"seconds\": %.6f, "
            "\"deliveries_per_s\": %.1f, \"messages\": %" PRIu64 ", \"messages_per_s\": %.1f, "
            "\"server_cpu_us_per_delivery\": %.4f, \"server_cpu_us_per_message\": %.3f, "
            "\"server_cpu_s\": %.6f, "
            "\"load_cpu_us_per_delivery\": %.4f, \"bytes\": %" PRIu64
            ", \"rss_bytes_at_end\": %" PRIu64 ", "
            "\"context_switches\": {\"voluntary\": %" PRIu64 ", \"involuntary\": %" PRIu64 "}, ",
            o->name, o->deliveries, o->seconds, per_second(o), o->messages,
            share((double)o->messages, o->seconds), cpu_us(o), cpu_us_per_message(o),
            o->server_cpu_s, share(o->own_cpu_s * 1e6, (double)o->deliveries), o->bytes,
            o->rss_bytes, o->voluntary, o->involuntary);
    json_quantiles(out, "latency_us", &o->latency);
    if (o->is_open) {
        fputs(", ", out);
        json_quantiles(out, "admitted_latency_us", &o->admitted);
    }
    if (!o->has_side)
        return;
    fprintf(out, ", \"side_deliveries\": %" PRIu64 ", ", o->side_deliveries);
    json_quantiles(out, "side_latency_us", &o->side_latency);
}

static void json_text(FILE *out, const char *text, size_t size)
{
    fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fputc('\\', out);
        if ((unsigned char)text[i] < ' ')
            fprintf(out, "\\u%04x", (unsigned)text[i]);
        else
            fputc(text[i], out);
    }
    fputc('"', out);
}

static void json_parameters(FILE *out, const char *words)
{
    fputs("\"parameters\": {", out);
    for (const char *at = words; *at != '\0';) {
        size_t name = strcspn(at, "=");
        size_t size = strcspn(at, " ");
        fputs(at != words ? ", " : "", out);
        json_text(out, at, name);
        fputs(": ", out);
        json_text(out, at + name + 1, size - name - 1);
        at += at[size] == ' ' ? size + 1 : size;
    }
    fputs("}", out);
}

static void json_memory(FILE *out, const struct result *result)
{
    uint64_t users = result->users;
    fprintf(out,
            "\"rss_bytes\": {\"before\": %" PRIu64 ", \"connected\": %" PRIu64
            ", \"after\": %" PRIu64 ", \"peak\": %" PRIu64 "}, \"bytes_per_occupant\": %.1f, "
            "\"bytes_per_room\": %.1f, \"bytes_per_client\": %.1f, "
            "\"bytes_per_room_left\": %.1f, \"bytes_per_room_idle\": %.1f",
            result->rss_start, result->rss_connected, result->rss_joined, result->rss_peak,
            above(result->rss_joined, result->rss_start, users),
            above(result->rss_joined, result->rss_start, result->rooms),
            above(result->rss_connected, result->rss_start, users),
            above(result->rss_left, result->rss_start, result->rooms),
            above(result->rss_idle, result->rss_start, result->rooms));
}

static void json_failed(FILE *out, const struct result *result)
{
    if (result->failed[0] == '\0')
        return;
    fputs("\"failed\": ", out);
    json_text(out, result->failed, strlen(result->failed));
    fputs(", ", out);
}

void report_json(FILE *out, const struct report *report)
{
    const struct result *result = report->result;
    const struct faults *faults = &result->faults;
    const struct outcome *measured = result_measured(result, report->plan);
    fprintf(out,
            "{\"plan\": \"%s\", \"target\": \"%s\", \"drive\": \"%s\", \"threads\": %u, "
            "\"net_threads\": %u, \"server_threads\": %u, \"server_cpu\": \"%s\", "
            "\"load_cpu\": \"%s\", ",
            report->plan->name, report->target, report->plan->drive, report->threads,
            report->net_threads, result->server_threads, report->server_cpu, report->load_cpu);
    json_parameters(out, report->plan->parameters);
    fprintf(out, ", \"load_processes\": %u, \"users\": %" PRIu64 ", \"rooms\": %" PRIu64 ", ",
            report->processes, result->users, result->rooms);
    json_failed(out, result);
    if (measured != NULL) {
        json_outcome(out, measured);
        fputs(", ", out);
    }
    json_memory(out, result);
    fprintf(out,
            ", \"seconds_to_start\": %.6f, \"seconds_to_connect\": %.6f, \"seconds_to_join\": "
            "%.6f, \"misses\": %" PRIu64 ", \"duplicates\": %" PRIu64 ", \"reordered\": %" PRIu64
            ", \"errors\": %" PRIu64 ", \"put_out\": %" PRIu64 ", \"refused\": %" PRIu64
            ", \"steps\": [",
            result->start_seconds, result->connect_seconds, result->join_seconds, faults->misses,
            faults->duplicates, faults->reordered, faults->errors, result->removed,
            result->refused);
    for (unsigned i = 0; i < result->outcome_count; i++) {
        fputs(i > 0 ? ", {" : "{", out);
        json_outcome(out, &result->outcomes[i]);
        fputs("}", out);
    }
    fputs("]}", out);
}
