/*
 * stats_read: a worker makes rows of libvirt's records, the loop makes samples of the rows: a rate
 * is the difference to the counter that the domain kept from its last sample.
 *
 * When every lane is lost CPU times alone are read, by virDomainGetInfo, which asks no QEMU.
 */
#include "host/stats_read.h"
#include "contract/contract.h"
#include "host/domain_list.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "memory.h"

#include <math.h>
#include <string.h>
#include <time.h>

static void take_time(struct stats_answer *answer)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    answer->at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    answer->at_ms = loop_wall_ms();
}

static bool number(const virDomainStatsRecord *record, const char *name,
                   unsigned long long *ret_value)
{
    return virTypedParamsGetULLong(record->params, record->nparams, name, ret_value) == 1;
}

static int64_t mebibytes(unsigned long long kib)
{
    return (int64_t)((kib + 512) / 1024);
}

static void read_row(struct stats_row *row, const virDomainStatsRecord *record)
{
    unsigned long long value = 0;
    unsigned long long available = 0;
    unsigned long long free_kib = 0;
    virDomainGetUUID(record->dom, row->uuid);
    fields_init(lodge_vm_stats_fields, &row->stats);
    row->has_cpu = number(record, "cpu.time", &value);
    row->cpu_ns = value;
    if (number(record, "balloon.rss", &value)) {
        row->stats.memory_rss_mib = mebibytes(value);
    }
    /* What the guest could still use; older balloon drivers tell only what lies idle. */
    bool has_free =
        number(record, "balloon.usable", &free_kib) || number(record, "balloon.unused", &free_kib);
    if (has_free && number(record, "balloon.available", &available) && available >= free_kib) {
        row->stats.memory_used_mib = mebibytes(available - free_kib);
    }
}

bool stats_read(virConnectPtr conn, struct stats_answer *ret_answer, struct lodge_error *err)
{
    /* NOWAIT: a guest that another call already waits for is left out, instead of waiting 30 s. */
    virDomainStatsRecordPtr *records = NULL;
    int got = virConnectGetAllDomainStats(
        conn, VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON, &records,
        VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
    if (got < 0) {
        return libvirt_fail(err, "cannot read the guests' counters");
    }
    struct stats_answer answer = {.rows = xcalloc((size_t)got + 1, sizeof *answer.rows)};
    take_time(&answer);
    for (int i = 0; i < got; i++) {
        read_row(&answer.rows[answer.count++], records[i]);
    }
    virDomainStatsRecordListFree(records);
    *ret_answer = answer;
    return true;
}

bool stats_read_without_monitor(virConnectPtr conn, struct stats_answer *ret_answer,
                                struct lodge_error *err)
{
    virDomainPtr *domains = NULL;
    size_t count = 0;
    if (!domain_list(conn, VIR_CONNECT_LIST_DOMAINS_ACTIVE, &domains, &count, err)) {
        return false;
    }
    struct stats_answer answer = {.rows = xcalloc(count + 1, sizeof *answer.rows)};
    for (size_t i = 0; i < count; i++) {
        struct stats_row *row = &answer.rows[answer.count];
        virDomainInfo info;
        if (virDomainGetInfo(domains[i], &info) == 0) {
            virDomainGetUUID(domains[i], row->uuid);
            row->has_cpu = true;
            row->cpu_ns = info.cpuTime;
            fields_init(lodge_vm_stats_fields, &row->stats);
            answer.count++;
        }
    }
    take_time(&answer);
    libvirt_domains_free(domains, count);
    *ret_answer = answer;
    return true;
}

void stats_answer_clear(struct stats_answer *answer)
{
    free(answer->rows);
    *answer = (struct stats_answer){0};
}

/* Of the guest's own vCPUs. QEMU's own threads are in the counter too, so it can pass 100. */
static double cpu_percent(const struct domain *domain, const struct stats_row *row, int64_t at_us)
{
    int64_t passed_us = at_us - domain->cpu_at_us;
    if (!row->has_cpu || domain->cpu_at_us == 0 || passed_us <= 0 || domain->vcpus <= 0 ||
        row->cpu_ns < domain->cpu_ns) {
        return NAN;
    }
    double percent =
        (double)(row->cpu_ns - domain->cpu_ns) / 10.0 / (double)passed_us / (double)domain->vcpus;
    return percent > 100 ? 100 : percent;
}

void stats_tell(struct host *host, const struct stats_answer *answer)
{
    AUTO(free)
    struct domain_sample *samples = xcalloc(answer->count + 1, sizeof *samples);
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct stats_row *row = &answer->rows[i];
        struct domain *domain = domains_find(&host->domains, row->uuid);
        if (domain == NULL || !domain->told) {
            continue;
        }
        struct domain_sample *sample = &samples[count++];
        memcpy(sample->uuid, domain->uuid_text, sizeof sample->uuid);
        sample->stats = row->stats;
        sample->stats.cpu_percent = cpu_percent(domain, row, answer->at_us);
        if (row->has_cpu) {
            domain->cpu_ns = row->cpu_ns;
            domain->cpu_at_us = answer->at_us;
        }
    }
    host->listener->samples(host->owner, host->name, answer->at_ms, samples, count, NULL);
}
