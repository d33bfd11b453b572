/*
 * uri: what a libvirt URI tells before anything is opened.
 *
 * Drivers differ in what their connections share and need; this is where it is known by name, so
 * that nobody else compares strings. Any thread.
 */
#ifndef HOST_URI_H
#define HOST_URI_H

#include <stdbool.h>

struct uri {
    char *text;   /* what is opened: as configured, with no_tty=1 where ssh could ask a question */
    char *root;   /* of the embedded driver, percent-decoded; NULL if there is none */
    char *server; /* the machine's name or address, without user and port; NULL: none is named */
    bool is_embedded; /* the QEMU driver inside our own process */
    bool is_test;     /* made-up guests */
    bool is_session;  /* a user's own guests, and not the machine's */
    bool is_local;    /* guests run on this machine */
    bool in_process;  /* no libvirtd between us and the driver */
    bool made_here;   /* by the test driver in our process: its calls take our processors, and wait
                         for nobody */
    bool has_socket;  /* names the socket of its libvirtd */
    bool one_world;   /* each connection is a world of its own: one must serve every channel */
};

void uri_read(struct uri *ret_uri, const char *text);
void uri_clear(struct uri *uri);

#endif
