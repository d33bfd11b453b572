/* seats: how many of a user's calls are out, and that what they cost elsewhere is of his time. */
#include "support/test.h"

#include "support/account_world.h"

#include "loop/workers.h"

#include <time.h>
#include <unistd.h>

enum { CALLS = 5 };

struct call_of_user {
    struct sitter sitter; /* first */
    bool began;
};

static struct call_of_user calls[CALLS];

static void begin(struct sitter *sitter)
{
    ((struct call_of_user *)sitter)->began = true;
}

static unsigned count_begun(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        count += calls[i].began;
    }
    return count;
}

static void come(struct account *account)
{
    memset(calls, 0, sizeof calls);
    for (unsigned i = 0; i < CALLS; i++) {
        calls[i].sitter.begin = begin;
        calls[i].began = account_sit(account, SEAT_STORE, NULL, &calls[i].sitter);
    }
}

static void so_many_calls_sit_and_the_others_stand_in_line(void **state)
{
    (void)state;
    join(1000, 0);
    struct account *account = workers[0].place.account;
    come(account);
    assert_int_equal(count_begun(), 2);
    assert_true(account_sit(account, SEAT_XML, NULL, &(struct sitter){.begin = begin}));
    account_stand_up(account, &calls[3].sitter); /* its client has gone */
    account_stand_up(account, &calls[0].sitter);
    assert_false(calls[2].began); /* not in the middle of another's end */
    loop_run_once(loop);
    assert_true(calls[2].began);
    assert_int_equal(count_begun(), 3);
    account_stand_up(account, &calls[1].sitter);
    account_stand_up(account, &calls[2].sitter);
    loop_run_once(loop);
    assert_true(calls[4].began);
    assert_false(calls[3].began);
}

static void a_host_that_hangs_holds_no_seat_of_another(void **state)
{
    struct sitter first[3] = {{.begin = begin}, {.begin = begin}, {.begin = begin}};
    struct sitter other = {.begin = begin};
    (void)state;
    join(1000, 0);
    struct account *account = workers[0].place.account;
    assert_true(account_sit(account, SEAT_XML, &first, &first[0]));
    assert_true(account_sit(account, SEAT_XML, &first, &first[1]));
    assert_false(account_sit(account, SEAT_XML, &first, &first[2]));
    assert_true(account_sit(account, SEAT_XML, &other, &other));
    account_stand_up(account, &other);
    account_stand_up(account, &first[2]);
}

static void seats_are_each_user_s_own(void **state)
{
    (void)state;
    join(1000, 0);
    join(1001, 1);
    come(workers[0].place.account);
    struct sitter other = {.begin = begin};
    assert_true(account_sit(workers[1].place.account, SEAT_STORE, NULL, &other));
    account_stand_up(workers[1].place.account, &other);
}

/* What calls cost elsewhere */

static void sit_for(struct account *account, enum seat_kind kind, unsigned count, unsigned ms)
{
    struct sitter sitters[4] = {{.begin = begin}, {.begin = begin}, {.begin = begin}};
    for (unsigned i = 0; i < count; i++) {
        assert_true(account_sit(account, kind, NULL, &sitters[i]));
    }
    for (unsigned i = 0; i < ms; i++) {
        spend();
    }
    for (unsigned i = 0; i < count; i++) {
        account_stand_up(account, &sitters[i]);
    }
}

/* What a worker does for a call that sits. */
struct asked {
    struct job job; /* first */
    struct account *account;
    struct sitter sitter;
    bool answered;
};

enum { WORKED_MS = 3 };

/* Of this thread, which has used some before it had a job. */
static uint64_t used_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void work_hard(struct job *job)
{
    (void)job;
    uint64_t until_us = used_us() + (uint64_t)WORKED_MS * 1000;
    while (used_us() < until_us) {
    }
}

static void hear_answer(struct letter *letter)
{
    struct asked *asked = (struct asked *)letter;
    account_stand_up(asked->account, &asked->sitter);
    asked->answered = true;
}

static struct asked only;

static bool is_answered(void)
{
    return only.answered;
}

static void what_workers_do_for_a_user_is_of_his_time(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    struct workers *pool = workers_new(loop, "test", 1, 1000);
    only = (struct asked){
        .job = {.run = work_hard, .letter.deliver = hear_answer},
        .account = account,
        .sitter.begin = begin,
    };
    assert_true(account_sit(account, SEAT_STORE, NULL, &only.sitter));
    int64_t before = account->credit_us;
    workers_submit(pool, &only.job);
    assert_true(loop_until(is_answered));
    assert_in_range(before - account->credit_us, WORKED_MS * 1000, INT64_MAX);
    assert_int_equal(loop_take_cost_us(loop), 0); /* it is paid */
    workers_free(pool);
}

static void what_is_waited_for_costs_no_more_than_it_takes_elsewhere(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    int64_t before = account->credit_us;
    sit_for(account, SEAT_STORE, 2, 2 * SEATS_SHARED_MOST_MS); /* behind somebody else's */
    assert_int_equal(before - account->credit_us, 0);
    sit_for(account, SEAT_XML, 2, 2 * SEATS_SHARED_MOST_MS);
    assert_int_equal(before - account->credit_us, 2 * SEATS_FAR_US);
    before = account->credit_us;
    sit_for(account, SEAT_SHARED, 1, 2 * SEATS_SHARED_MOST_MS);
    assert_int_equal(before - account->credit_us, SEATS_SHARED_MOST_MS * 1000);
}

static void many_calls_at_once_make_no_long_rest(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    account->credit_us = 1;
    for (int i = 0; i < 40; i++) {
        sit_for(account, SEAT_SCREEN, 4, 0);
    }
    assert_int_equal(account->credit_us, -ACCOUNT_DEBT_MS * 1000);
}

static bool two_more_have_begun(void)
{
    return count_begun() == 4;
}

static void who_has_no_time_left_begins_no_call(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    come(account);
    account->credit_us = INT64_MIN / 2;
    account->credited_us = loop_monotonic_us();
    account_stand_up(account, &calls[0].sitter);
    loop_run_once(loop);
    assert_int_equal(count_begun(), 2);
    for (unsigned i = 1; i < CALLS; i++) {
        account_stand_up(account, &calls[i].sitter);
    }
}

static void to_hang_up_and_come_back_pays_no_debts(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    workers[0].place.account->credit_us = -60 * 1000000;
    account_part(&workers[0].place);
    assert_non_null(accounts);
    join(geteuid() + 1, 0);
    assert_true(workers[0].place.account->credit_us < 0);
    workers[0].work = 1;
    work(&workers[0].place);
    assert_string_equal(order, "");
}

static bool nobody_is_known(void)
{
    return accounts == NULL;
}

static void who_owes_nothing_is_forgotten(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    workers[0].place.account->credit_us -= 5 * 1000;
    account_part(&workers[0].place);
    assert_true(loop_until(nobody_is_known));
    join(geteuid() + 1, 0);
    account_part(&workers[0].place);
    assert_null(accounts); /* at once */
}

/* It stood in line while there was no time, and nothing else of its user's happens. */
static void a_call_in_line_is_begun_when_there_is_time_again(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    come(account);
    account->credit_us = -2000;
    account->credited_us = loop_monotonic_us();
    account_stand_up(account, &calls[0].sitter);
    account_stand_up(account, &calls[1].sitter);
    assert_true(loop_until(two_more_have_begun));
    for (unsigned i = 2; i < CALLS; i++) {
        account_stand_up(account, &calls[i].sitter);
    }
}

static void what_was_read_beside_is_not_forgotten_by_hanging_up(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    for (int i = 0; i < 10 * ACCOUNT_BESIDE_BURST_MS / ACCOUNT_BESIDE_MS; i++) {
        account_has_read_beside(workers[0].place.account);
    }
    account_part(&workers[0].place);
    join(geteuid() + 1, 0);
    assert_false(account_may_read_beside(workers[0].place.account));
}

static void so_much_is_read_beside_a_user_s_answers(void **state)
{
    (void)state;
    enum { BURST = ACCOUNT_BESIDE_BURST_MS / ACCOUNT_BESIDE_MS };
    join(geteuid() + 1, 0);
    join(geteuid(), 1);
    unsigned count = 0;
    while (count < 2 * BURST && account_may_read_beside(workers[0].place.account)) {
        account_has_read_beside(workers[0].place.account);
        account_has_read_beside(workers[1].place.account);
        count++;
    }
    assert_in_range(count, BURST, 2 * BURST - 1);
    assert_true(account_may_read_beside(workers[1].place.account)); /* lodged's own user */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(so_many_calls_sit_and_the_others_stand_in_line),
        IN_WORLD(a_host_that_hangs_holds_no_seat_of_another),
        IN_WORLD(seats_are_each_user_s_own),
        IN_WORLD(what_workers_do_for_a_user_is_of_his_time),
        IN_WORLD(what_is_waited_for_costs_no_more_than_it_takes_elsewhere),
        IN_WORLD(many_calls_at_once_make_no_long_rest),
        IN_WORLD(who_has_no_time_left_begins_no_call),
        IN_WORLD(to_hang_up_and_come_back_pays_no_debts),
        IN_WORLD(who_owes_nothing_is_forgotten),
        IN_WORLD(a_call_in_line_is_begun_when_there_is_time_again),
        IN_WORLD(what_was_read_beside_is_not_forgotten_by_hanging_up),
        IN_WORLD(so_much_is_read_beside_a_user_s_answers),
    };
    return cmocka_run_group_tests_name("seats", tests, NULL, NULL);
}
