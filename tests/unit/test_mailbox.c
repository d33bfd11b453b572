/* mailbox: letters of many threads arrive once each, those of one thread in their order. */
#include "support/test.h"

#include "loop/mailbox.h"
#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SENDERS = 4, LETTERS = 20000 };

struct numbered {
    struct letter letter; /* first */
    int sender;
    int number;
};

/* Who waits for letters as the loop does. */
struct owner {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool awake; /* under lock */
    atomic_int wakes;
    struct mailbox *box;
};

static int next_number[SENDERS]; /* the collecting thread's */
static int delivered;

static void wake(void *data)
{
    struct owner *owner = data;
    atomic_fetch_add(&owner->wakes, 1);
    pthread_mutex_lock(&owner->lock);
    owner->awake = true;
    pthread_cond_signal(&owner->woken);
    pthread_mutex_unlock(&owner->lock);
}

static void deliver(struct letter *letter)
{
    struct numbered *numbered = (struct numbered *)letter;
    assert_int_equal(numbered->number, next_number[numbered->sender]++);
    delivered++;
    free(numbered);
}

static void post(struct mailbox *box, int sender, int number)
{
    struct numbered *numbered = xcalloc(1, sizeof *numbered);
    numbered->letter.deliver = deliver;
    numbered->sender = sender;
    numbered->number = number;
    mailbox_post(box, &numbered->letter);
}

static void begin(struct owner *owner)
{
    *owner = (struct owner){.lock = PTHREAD_MUTEX_INITIALIZER, .woken = PTHREAD_COND_INITIALIZER};
    owner->box = mailbox_new(wake, owner);
    delivered = 0;
    for (int i = 0; i < SENDERS; i++) {
        next_number[i] = 0;
    }
}

static void letters_come_in_the_order_posted_with_one_wake_up(void **state)
{
    (void)state;
    struct owner owner;
    begin(&owner);
    post(owner.box, 0, 0);
    post(owner.box, 0, 1);
    post(owner.box, 0, 2);
    assert_int_equal(atomic_load(&owner.wakes), 1);

    assert_int_equal(mailbox_collect(owner.box, NULL), 3);

    assert_int_equal(delivered, 3);
    assert_int_equal(mailbox_collect(owner.box, NULL), 0);
    post(owner.box, 0, 3);
    assert_int_equal(atomic_load(&owner.wakes), 2);
    assert_int_equal(mailbox_collect(owner.box, NULL), 1);
    mailbox_free(owner.box);
    mailbox_free(NULL);
}

static bool is_tired(void *data)
{
    (void)data;
    return delivered % 2 == 0;
}

static void letters_that_are_left_come_first_the_next_time(void **state)
{
    (void)state;
    struct owner owner;
    begin(&owner);
    for (int i = 0; i < 3; i++) {
        post(owner.box, 0, i);
    }

    assert_int_equal(mailbox_collect(owner.box, is_tired), 2);

    assert_true(mailbox_has_left(owner.box));
    post(owner.box, 0, 3);
    assert_int_equal(atomic_load(&owner.wakes), 2); /* of what is left nobody is told */
    assert_int_equal(mailbox_collect(owner.box, is_tired), 2);
    assert_false(mailbox_has_left(owner.box));
    assert_int_equal(mailbox_collect(owner.box, is_tired), 0);
    mailbox_free(owner.box);
}

static struct mailbox *answer_box;

static void answer(struct letter *letter)
{
    free(letter);
    post(answer_box, 0, 0);
}

static void a_letter_posted_while_delivering_is_for_the_next_time(void **state)
{
    (void)state;
    struct owner owner;
    begin(&owner);
    answer_box = owner.box;
    struct letter *letter = xcalloc(1, sizeof *letter);
    letter->deliver = answer;
    mailbox_post(owner.box, letter);

    assert_int_equal(mailbox_collect(owner.box, NULL), 1);

    assert_int_equal(delivered, 0);
    assert_int_equal(atomic_load(&owner.wakes), 2); /* it is not forgotten */
    assert_int_equal(mailbox_collect(owner.box, NULL), 1);
    mailbox_free(owner.box);
}

struct sender {
    pthread_t thread;
    struct mailbox *box;
    int number;
};

static void *send_all(void *data)
{
    struct sender *sender = data;
    for (int i = 0; i < LETTERS; i++) {
        post(sender->box, sender->number, i);
    }
    return NULL;
}

static void nothing_is_lost_among_many_senders(void **state)
{
    (void)state;
    struct owner owner;
    begin(&owner);
    struct sender senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i].box = owner.box;
        senders[i].number = i;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }

    while (delivered < SENDERS * LETTERS) { /* ends only if every wake-up comes */
        pthread_mutex_lock(&owner.lock);
        while (!owner.awake) {
            pthread_cond_wait(&owner.woken, &owner.lock);
        }
        owner.awake = false;
        pthread_mutex_unlock(&owner.lock);
        mailbox_collect(owner.box, NULL);
    }

    for (int i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(next_number[i], LETTERS);
    }
    assert_int_equal(mailbox_collect(owner.box, NULL), 0);
    mailbox_free(owner.box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(letters_come_in_the_order_posted_with_one_wake_up),
        TEST(letters_that_are_left_come_first_the_next_time),
        TEST(a_letter_posted_while_delivering_is_for_the_next_time),
        TEST(nothing_is_lost_among_many_senders),
    };
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
