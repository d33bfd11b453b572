/*
 * libvirt_log: libvirt writes its log into a pipe; a thread of its own reads lines from it until
 * the process ends, and logs each at a level that follows from the word in it.
 *
 * `reading_end` is set before there are threads and only read since.
 */
#include "host/libvirt_log.h"
#include "log.h"
#include "loop/thread.h"
#include "memory.h"
#include "scope.h"

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "2026-11-23 18:14:00.000+0000: 4711: warning : function:12 : text" */
enum { MOST_LINE = 4096 };

static int reading_end = -1; /* set before there are threads */

void libvirt_log_prepare(void)
{
    int ends[2];
    if (reading_end >= 0 || getenv("LIBVIRT_LOG_OUTPUTS") != NULL) {
        return;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        setenv("LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", 1);
        return;
    }
    /* Our own writing end stays open: without it the pipe would end when libvirt closes its. */
    AUTO(free) char *outputs = xasprintf("3:file:/proc/self/fd/%d", ends[1]);
    setenv("LIBVIRT_LOG_OUTPUTS", outputs, 1);
    reading_end = ends[0];

    /* libvirt reads the variable now, and again in every child that it forks, after it closed all
     * descriptors there: a child that finds none of that number does not come to its exec (QEMU's
     * probes, ssh, a session's libvirtd all ended with status 125). */
    (void)virInitialize(); /* asked again, and answered for, in host_layer_start() */
    setenv("LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", 1);
}

/* Errors are the answers of calls, which their callers report: said here they would come twice. */
static void tell_line(const char *line)
{
    const char *error = strstr(line, ": error : ");
    const char *warning = strstr(line, ": warning : ");
    if (error != NULL) {
        log_debug(LOG_LIBVIRT, "%s", error + strlen(": error : "));
    } else if (warning != NULL) {
        log_warning(LOG_LIBVIRT, "%s", warning + strlen(": warning : "));
    } else {
        log_debug(LOG_LIBVIRT, "%s", line);
    }
}

/* Not stdio: this thread sits in a read for ever, and a FILE in it would hold its lock against the
 * fflush(NULL) of a process that leaves. */
static void *read_lines(void *unused)
{
    (void)unused;
    char text[MOST_LINE];
    size_t used = 0;
    ssize_t got;
    while ((got = read(reading_end, text + used, sizeof text - 1 - used)) > 0) {
        used += (size_t)got;
        text[used] = '\0';
        char *line = text;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            tell_line(line);
        }
        used = strlen(line);
        if (used == sizeof text - 1) {
            tell_line(line);
            used = 0;
        }
        memmove(text, line, used);
    }
    return NULL;
}

static void libvirt_error_ignore(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

bool libvirt_log_start(void)
{
    virSetErrorFunc(NULL, libvirt_error_ignore);
    return reading_end < 0 || thread_start("libvirt-log", read_lines, NULL);
}
