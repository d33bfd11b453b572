/*
 * account: in each turn of the loop an account has ACCOUNT_TURN_MS. Whoever finds them spent stands
 * in its row, which is served at the end of the turn, when the next one's time begins: so each of
 * its connections comes round, and each account once a turn. Whoever keeps the loop busy for longer
 * than a burst has ACCOUNT_PERCENT of a processor: the others are the guests'.
 *
 * Bytes are weighed by the connections, and summed here. A line that grows while too much is read
 * goes on in one place at a time, so that one always ends. Loop-only.
 */
#include "rpc/account.h"

#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum { US_PER_MS = 1000, PERCENT = 100 };

static void account_serve(void *owner);

static void put_into_row(struct account *account, struct account_place *place)
{
    if (place->waits || account->is_closed) {
        return;
    }
    place->waits = true;
    place->behind = NULL;
    *account->last = place;
    account->last = &place->behind;
    loop_later(account->loop, &account->serve);
}

static void take_out_of_row(struct account *account, struct account_place *place)
{
    struct account_place **link = &account->first;
    while (*link != NULL && *link != place) {
        link = &(*link)->behind;
    }
    if (*link == NULL) {
        return;
    }
    *link = place->behind;
    if (place->behind == NULL) {
        account->last = link;
    }
    place->waits = false;
}

static bool has_credit(struct account *account)
{
    if (account->has_all) {
        return true;
    }
    uint64_t now = loop_monotonic_us();
    int64_t most = (int64_t)ACCOUNT_BURST_MS * US_PER_MS;
    int64_t earned = (int64_t)(now - account->credited_us) * ACCOUNT_PERCENT / PERCENT;
    account->credit_us = account->credit_us + earned < most ? account->credit_us + earned : most;
    account->credited_us = now;
    return account->credit_us > 0;
}

static void account_free(struct account *account)
{
    struct account **link = account->list;
    while (*link != account) {
        link = &(*link)->next;
    }
    *link = account->next;
    loop_later_cancel(account->loop, &account->serve);
    loop_timer_free(account->rest);
    seats_done(&account->seats);
    free(account);
}

/* Until it has earned what it lacks of so much; in ms, rounded up. */
static uint64_t earns_in(const struct account *account, unsigned credit_ms)
{
    int64_t lacks_us = (int64_t)credit_ms * US_PER_MS - account->credit_us;
    uint64_t us = lacks_us > 0 ? (uint64_t)lacks_us * PERCENT / ACCOUNT_PERCENT : 0;
    return (us + US_PER_MS - 1) / US_PER_MS;
}

static void has_rested(void *owner);

static void rest_for(struct account *account, uint64_t ms)
{
    if (account->rest == NULL) {
        account->rest = loop_timer_new(account->loop, has_rested, account);
    }
    loop_timer_start(account->rest, ms, 0);
}

/* Nobody holds it: it goes when it owes nothing any more. */
static void leave_when_paid(struct account *account)
{
    uint64_t now = loop_monotonic_ms();
    uint64_t paid = pace_next(&account->beside, 0);
    (void)has_credit(account); /* as of now */
    uint64_t earns = earns_in(account, ACCOUNT_BURST_MS);
    uint64_t pays = paid > now ? paid - now : 0;
    if (account->has_all || account->is_closed || (earns == 0 && pays == 0)) {
        account_free(account);
    } else {
        loop_later_cancel(account->loop, &account->serve);
        rest_for(account, earns > pays ? earns : pays);
    }
}

static void has_rested(void *owner)
{
    struct account *account = owner;
    if (account->holders == 0) {
        leave_when_paid(account);
    } else {
        account_serve(account);
    }
}

/* In the next turn, or when a whole turn's time may be spent. */
static void go_on_later(struct account *account)
{
    if (has_credit(account)) {
        loop_later(account->loop, &account->serve);
    } else if (account->rest == NULL || !loop_timer_is_active(account->rest)) {
        rest_for(account, earns_in(account, ACCOUNT_TURN_MS));
    }
}

/* What was spent in this turn is forgotten with it. */
static bool has_time(struct account *account)
{
    uint64_t turn = loop_turn_number(account->loop);
    if (account->turn != turn) {
        account->turn = turn;
        account->spent_us = 0;
    }
    return account->spent_us < (uint64_t)ACCOUNT_TURN_MS * US_PER_MS && has_credit(account);
}

static bool begin_next_call(struct account *account)
{
    account_resume(account);
    bool began = seats_begin_next(&account->seats);
    account_pause(account);
    return began;
}

/* Whoever was not served for want of time stands in the row or in a line, and is when there is
 * some: no look at the clock but the one that stopped it says whether there was any. */
static void account_serve(void *owner)
{
    struct account *account = owner;
    account_hold(account); /* whoever is served may be the last to leave */
    bool may_be_more = true;
    while (!account->is_closed && may_be_more && has_time(account)) {
        may_be_more = begin_next_call(account);
    }
    while (!account->is_closed && account->first != NULL && has_time(account)) {
        struct account_place *place = account->first;
        take_out_of_row(account, place);
        account->served = place;
        place->run(place);
        account->served = NULL;
    }
    if (!account->is_closed && (may_be_more || account->first != NULL)) {
        go_on_later(account);
    }
    account_release(account);
}

static struct account *find_or_make(struct account **list, struct loop *loop, uid_t uid)
{
    struct account *account = *list;
    while (account != NULL && account->uid != uid) {
        account = account->next;
    }
    if (account == NULL) {
        account = xcalloc(1, sizeof *account);
        account->list = list;
        account->loop = loop;
        account->uid = uid;
        account->last = &account->first;
        account->serve = (struct loop_later){.run = account_serve, .owner = account};
        account->has_all = uid == 0 || uid == geteuid();
        account->credit_us = (int64_t)ACCOUNT_BURST_MS * US_PER_MS;
        account->credited_us = loop_monotonic_us();
        account->next = *list;
        *list = account;
    }
    return account;
}

void account_join(struct account **list, struct loop *loop, uid_t uid, struct account_place *place,
                  void (*run)(struct account_place *place))
{
    struct account *account = find_or_make(list, loop, uid);
    if (account->holders == 0 && account->rest != NULL) {
        loop_timer_stop(account->rest); /* it is somebody's again */
    }
    account_hold(account);
    *place = (struct account_place){.account = account, .next = account->places, .run = run};
    if (place->next != NULL) {
        place->next->previous = place;
    }
    account->places = place;
}

void account_part(struct account_place *place)
{
    struct account *account = place->account;
    account_weigh(place, 0, 0);
    take_out_of_row(account, place);
    *(place->previous == NULL ? &account->places : &place->previous->next) = place->next;
    if (place->next != NULL) {
        place->next->previous = place->previous;
    }
    place->account = NULL;
    account_release(account);
}

void account_hold(struct account *account)
{
    account->holders++;
}

void account_release(struct account *account)
{
    if (--account->holders == 0) {
        leave_when_paid(account);
    }
}

/* Time */

bool account_begin(struct account_place *place)
{
    struct account *account = place->account;
    assert(account->began_us == 0);
    bool is_first = account->first == NULL || account->served == place;
    if (!has_time(account) || !is_first) {
        put_into_row(account, place);
        return false;
    }
    account_resume(account);
    return true;
}

void account_resume(struct account *account)
{
    account->began_us = loop_monotonic_us();
}

bool account_is_over(const struct account *account)
{
    uint64_t spent_us = account->spent_us + (loop_monotonic_us() - account->began_us);
    return spent_us >= (uint64_t)ACCOUNT_TURN_MS * US_PER_MS;
}

void account_pause(struct account *account)
{
    uint64_t us = loop_monotonic_us() - account->began_us;
    account->spent_us += us;
    account->credit_us -= (int64_t)us;
    account->began_us = 0;
}

void account_wait(struct account_place *place)
{
    put_into_row(place->account, place);
}

void account_wake(struct account *account)
{
    for (struct account_place *place = account->places; place != NULL; place = place->next) {
        put_into_row(account, place);
    }
}

bool account_may_read_beside(const struct account *account)
{
    return account->has_all ||
           pace_next(&account->beside, ACCOUNT_BESIDE_BURST_MS) <= loop_monotonic_ms();
}

void account_has_read_beside(struct account *account)
{
    pace_pay(&account->beside, ACCOUNT_BESIDE_MS);
}

static void account_close(struct account *account)
{
    account->is_closed = true;
    loop_later_cancel(account->loop, &account->serve);
    if (account->rest != NULL) {
        loop_timer_stop(account->rest);
    }
    if (account->holders == 0) {
        account_free(account);
    }
}

void accounts_close(struct account *accounts)
{
    for (struct account *account = accounts, *next; account != NULL; account = next) {
        next = account->next;
        account_close(account);
    }
}

/* Bytes */

void account_weigh(struct account_place *place, size_t read, size_t unsent)
{
    struct account *account = place->account;
    account->read += read - place->read;
    account->unsent += unsent - place->unsent;
    place->read = read;
    place->unsent = unsent;
    bool is_done = account->grows == place && read <= ACCOUNT_LINE;
    if (is_done) {
        account->grows = NULL;
    }
    bool may_read = account->short_of_read && (is_done || account->read < ACCOUNT_READ);
    bool may_answer = account->short_of_unsent && account->unsent < ACCOUNT_UNSENT;
    if (may_read || may_answer) {
        account->short_of_read &= !may_read;
        account->short_of_unsent &= !may_answer;
        account_wake(account);
    }
}

bool account_is_short(const struct account *account)
{
    return account->short_of_read || account->short_of_unsent;
}

bool account_may_read(struct account_place *place)
{
    struct account *account = place->account;
    if (place->read <= ACCOUNT_LINE || account->read < ACCOUNT_READ) {
        return true;
    }
    if (account->grows == NULL) {
        account->grows = place;
        account->grew_at = loop_monotonic_ms();
    }
    account->short_of_read |= account->grows != place;
    return account->grows == place;
}

bool account_take_long(struct account_place *place)
{
    struct account *account = place->account;
    bool may = account->parses == NULL;
    if (may) {
        account->parses = place;
    }
    account->short_of_parsing |= !may;
    return may;
}

void account_give_long(struct account_place *place)
{
    struct account *account = place->account;
    account->parses = NULL;
    if (account->short_of_parsing) {
        account->short_of_parsing = false;
        account_wake(account);
    }
}

void account_has_read(struct account_place *place)
{
    if (place->account->grows == place) {
        place->account->grew_at = loop_monotonic_ms();
    }
}

void account_offer(struct account_place *place, uint64_t now_ms)
{
    struct account *account = place->account;
    if (account->grows != place && now_ms - account->grew_at >= ACCOUNT_PATIENCE_MS) {
        account->grows = place;
        account->grew_at = now_ms;
        account_wake(account);
    }
}

bool account_may_answer(struct account *account)
{
    bool may = account->unsent < ACCOUNT_UNSENT;
    account->short_of_unsent |= !may;
    return may;
}

/* Seats */

/* Calls that were out at once are all paid, but nobody rests for long because of them. */
static void account_charge(struct account *account, int64_t cost_us)
{
    const int64_t least_us = -(int64_t)ACCOUNT_DEBT_MS * US_PER_MS;
    int64_t left_us = account->credit_us - cost_us;
    if (account->credit_us > least_us) {
        account->credit_us = left_us > least_us ? left_us : least_us;
    }
}

bool account_sit(struct account *account, enum seat_kind kind, const void *host,
                 struct sitter *sitter)
{
    return seats_take(&account->seats, kind, host, sitter);
}

void account_stand_up(struct account *account, struct sitter *sitter)
{
    uint64_t cost_us = 0;
    bool may_begin = seats_leave(&account->seats, sitter, &cost_us);
    account_charge(account, (int64_t)(cost_us + loop_take_cost_us(account->loop)));
    if (may_begin && !account->is_closed) {
        loop_later(account->loop, &account->serve);
    }
}
