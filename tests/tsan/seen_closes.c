/*
 * seen_closes: libuv closes what it holds by syscall(SYS_close), which ThreadSanitizer does not
 * see, so that it takes the next holder of the number (a folder or a file opened by openat(), which
 * it does not see either) for the old one, and the holder's close for a race with the loop. In its
 * builds alone every program that has libuv has this syscall(), which closes by close().
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long syscall_fn(long number, ...);

__attribute__((visibility("default"))) long syscall(long number, ...)
{
    enum { MOST = 6 };
    static _Atomic(syscall_fn *) bare;
    long words[MOST];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < MOST; i++) {
        words[i] = va_arg(list, long);
    }
    va_end(list);
    if (number == SYS_close) {
        return close((int)words[0]);
    }
    syscall_fn *forward = atomic_load_explicit(&bare, memory_order_relaxed);
    if (forward == NULL) {
        forward = (syscall_fn *)dlsym(RTLD_NEXT, "syscall");
        atomic_store_explicit(&bare, forward, memory_order_relaxed);
    }
    return forward(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/* Found before there is a thread, or a child of one: dlsym() takes a lock. */
__attribute__((constructor)) static void find(void)
{
    (void)syscall(SYS_getpid);
}
