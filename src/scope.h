/*
 * What leaves scope is released: AUTO(free_function) on the line that acquires, TAKE() on the line
 * that gives away. Needs GNU C (cleanup attribute, statement expressions): gcc and clang have both.
 */
#ifndef SCOPE_H
#define SCOPE_H

#include <stdlib.h>
#include <unistd.h>

/* AUTO(virDomainFree) virDomainPtr domain = …; frees it at the end of the block unless NULL. */
#define AUTO(free_function) __attribute__((cleanup(free_function##_auto)))

/* Once per type, beside its free function. `nothing` needs no release (NULL, -1). */
#define DEFINE_AUTO(type, free_function, nothing)                                           \
    __attribute__((unused)) static inline void free_function##_auto(__typeof__(type) *held) \
    {                                                                                       \
        if (*held != (nothing)) {                                                           \
            free_function(*held);                                                           \
        }                                                                                   \
    }                                                                                       \
    _Static_assert(1, "wants a semicolon")

/* The same for a struct by value, whose release takes its address: AUTO(buffer_free) struct buffer
 * text = {0}; */
#define DEFINE_AUTO_STRUCT(type, free_function)                                             \
    __attribute__((unused)) static inline void free_function##_auto(__typeof__(type) *held) \
    {                                                                                       \
        free_function(held);                                                                \
    }                                                                                       \
    _Static_assert(1, "wants a semicolon")

/* Hands a pointer over and leaves NULL behind: the reader sees the move. */
#define TAKE(pointer)                   \
    ({                                  \
        __auto_type taken_ = (pointer); \
        (pointer) = NULL;               \
        taken_;                         \
    })

/* The struct that `member` (a pointer to it) lies in. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static inline void fd_close(int fd)
{
    close(fd);
}

/* As `AUTO(free)`, for any pointer type: cleanup hands over the address of the variable. */
static inline void free_auto(void *held)
{
    free(*(void **)held);
}

DEFINE_AUTO(int, fd_close, -1);

#endif
