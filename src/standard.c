/* standard: what is opened gets the lowest number that is free, so each in its turn. */
#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void standard_files_open(void)
{
    static const int ways[] = {
        [STDIN_FILENO] = O_RDONLY,
        [STDOUT_FILENO] = O_RDONLY, /* who writes is told that it cannot be */
        [STDERR_FILENO] = O_WRONLY,
    };
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", ways[fd]) != fd) {
            abort(); /* a system without /dev/null runs nothing of ours */
        }
    }
}
