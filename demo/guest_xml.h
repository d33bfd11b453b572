/* guest_xml: the libvirt XML of a demonstration guest. Any thread. */
#ifndef GUEST_XML_H
#define GUEST_XML_H

struct guest {
    const char *name; /* of the guest and of its kernel's folder */
    const char *uuid; /* fixed, so that defining it again replaces it and nothing else */
    const char *title;
    int memory_mib;
};

/* "qemu:///embed?root=ROOT" with what a URI may not hold escaped. The caller frees; aborts when
 * memory is out. */
char *guest_uri(const char *root);

/* The domain of `guest`, booting the kernel in `kernel_folder` (vmlinuz, initrd, cmdline), its
 * serial output also in the file `serial_log`. The caller frees; NULL with errno when the command
 * line cannot be read. */
char *guest_xml(const struct guest *guest, const char *kernel_folder, const char *serial_log);

#endif
