/* malloc_count: preloaded, counts allocations of the whole process in a file that $MALLOC_COUNT
 * names, as a 64-bit number that others can read while it runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **ret_memory, size_t alignment, size_t size);

static atomic_ulong nowhere;
static atomic_ulong *counter = &nowhere;

__attribute__((constructor)) static void open_counter(void)
{
    const char *path = getenv("MALLOC_COUNT");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && ftruncate(fd, sizeof *counter) == 0) {
        void *shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        counter = shared == MAP_FAILED ? counter : shared;
        close(fd);
    }
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    atomic_fetch_add(counter, 1);
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(counter, 1);
    return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    atomic_fetch_add(counter, 1);
    return __libc_realloc(old, size);
}

__attribute__((visibility("default"))) void *memalign(size_t alignment, size_t size)
{
    atomic_fetch_add(counter, 1);
    return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

__attribute__((visibility("default"))) int posix_memalign(void **ret_memory, size_t alignment,
                                                          size_t size)
{
    void *memory = memalign(alignment, size);
    if (memory != NULL) {
        *ret_memory = memory;
    }
    return memory == NULL ? ENOMEM : 0;
}
