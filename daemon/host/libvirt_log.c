#include "host/libvirt_log.h"
#include "log.h"
#include "loop/thread.h"
#include "memory.h"
#include "scope.h"

#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "2026-11-23 18:14:00.000+0000: 4711: warning : function:12 : text" */
enum { MOST_LINE = 4096 };

static int reading_end = -1; /* the reading thread's, from when it starts */

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
}

/* Errors are the answers of calls, which their callers report: said here they would come twice. */
static void tell(char *line)
{
    line[strcspn(line, "\n")] = '\0';
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

static void *read_lines(void *data)
{
    FILE *lines = data;
    char line[MOST_LINE];
    while (fgets(line, sizeof line, lines) != NULL) {
        tell(line);
    }
    fclose(lines);
    return NULL;
}

static void say_nothing(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

bool libvirt_log_start(void)
{
    virSetErrorFunc(NULL, say_nothing);
    if (reading_end < 0) {
        return true;
    }
    FILE *lines = fdopen(reading_end, "r");
    return lines != NULL && thread_start("libvirt-log", read_lines, lines);
}
