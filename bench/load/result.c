#include "bench/load/result.h"

#include <string.h>

const struct outcome *result_measured(const struct result *result, const struct plan *plan)
{
    for (unsigned i = 0; i < result->outcome_count; i++) {
        if (strcmp(result->outcomes[i].name, plan->measure) == 0)
            return &result->outcomes[i];
    }
    return result->outcome_count > 0 ? &result->outcomes[result->outcome_count - 1] : NULL;
}

bool result_failed(const struct result *result)
{
    return result->failed[0] != '\0' || faults_any(&result->faults);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void merge_quantiles(struct quantiles *sum, const struct quantiles *part)
{
    sum->p50 = larger(sum->p50, part->p50);
    sum->p95 = larger(sum->p95, part->p95);
    sum->p99 = larger(sum->p99, part->p99);
    sum->p999 = larger(sum->p999, part->p999);
    sum->max = larger(sum->max, part->max);
}

static void merge_outcome(struct outcome *sum, const struct outcome *part)
{
    sum->seconds = larger(sum->seconds, part->seconds);
    sum->deliveries += part->deliveries;
    sum->messages += part->messages;
    sum->bytes += part->bytes;
    sum->own_cpu_s += part->own_cpu_s;
    sum->side_deliveries += part->side_deliveries;
    merge_quantiles(&sum->latency, &part->latency);
    merge_quantiles(&sum->admitted, &part->admitted);
    merge_quantiles(&sum->side_latency, &part->side_latency);
}

void result_merge(struct result *sum, const struct result *part)
{
    if (sum->failed[0] == '\0')
        memcpy(sum->failed, part->failed, sizeof(sum->failed));
    sum->users += part->users;
    sum->rooms += part->rooms;
    sum->connect_seconds = larger(sum->connect_seconds, part->connect_seconds);
    sum->join_seconds = larger(sum->join_seconds, part->join_seconds);
    sum->faults.misses += part->faults.misses;
    sum->faults.duplicates += part->faults.duplicates;
    sum->faults.reordered += part->faults.reordered;
    sum->faults.errors += part->faults.errors;
    sum->removed += part->removed;
    sum->refused += part->refused;
    for (unsigned i = 0; i < sum->outcome_count && i < part->outcome_count; i++)
        merge_outcome(&sum->outcomes[i], &part->outcomes[i]);
}
