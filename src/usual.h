/* usual: what a virtual machine is made of where nobody has said more: the command line and the
 * TUI's form begin with it. As people write it, for units.h to read. */
#ifndef USUAL_H
#define USUAL_H

#define USUAL_VCPUS "1"
#define USUAL_MEMORY "1G"
#define USUAL_DISK "10G" /* larger where it is to hold a larger image */

#endif
