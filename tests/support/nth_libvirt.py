"""nth_libvirt: a lodged of which the n-th call of libvirt fails (x86-64, with a C compiler).

    nth = NthLibvirt(world)
    daemon = world.daemon(…, env=nth.env)
    nth.arm(3)             # three calls go well from now on, one fails
    nth.disarm()           # how many there were since, and the name of the one that failed or None

A library that is loaded before libvirt stands before each of its functions that lodged calls. One that is to
fail is called with NULL for its object, which is an error of libvirt's own. Left alone is what cannot fail, or
whose failing is no answer of a daemon: opening, callbacks, names that libvirt keeps beside an object.
"""

import mmap
import os
import platform
import re
import shutil
import struct
import subprocess

from world import LODGED

LEFT_ALONE = re.compile(r"vir(\w+Free|\w+Get(Name|UUID|UUIDString|ID|Type)|Event\w+|GetLast\w+|Initialize|SetErrorFunc|"
                        r"TypedParams\w+|Connect(Open|Close|IsAlive|SetKeepAlive|\w*Callback|DomainEvent\w+))")
LOOK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static const char *const names[] = {%(names)s};
static void *_Atomic real[sizeof names / sizeof *names];
static struct shared {
    _Atomic long left; /* so many go well; negative: all */
    _Atomic long failed; /* which it was, from 1 */
} *shared;

static __attribute__((constructor)) void share(void)
{
    int fd = open(getenv("NTH_LIBVIRT"), O_RDWR);
    shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) {
        abort();
    }
}

struct look {
    void *function;
    long fails;
};

struct look nth_look(long index)
{
    void *function = real[index];
    if (function == NULL) {
        function = real[index] = dlsym(RTLD_NEXT, names[index]);
    }
    long left = shared->left;
    while (left >= 0 && !atomic_compare_exchange_weak(&shared->left, &left, left - 1)) {
    }
    if (left == 0) {
        shared->failed = index + 1;
    }
    return (struct look){function, left == 0};
}
"""
# Whatever a function's parameters are, they are as they came, but for the first of one that fails.
DOOR = """
    .globl {name}
    .type {name}, @function
{name}:
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %r8
    push %r9
    sub $8, %rsp
    mov ${index}, %edi
    call nth_look@plt
    mov %rdx, %r11
    add $8, %rsp
    pop %r9
    pop %r8
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    test %r11, %r11
    jz 1f
    xor %edi, %edi
1:  jmp *%rax
"""


def why_not():
    """Why there can be none here; None when there can."""
    if platform.machine() != "x86_64":
        return "needs x86-64"
    for program in ("cc", "nm"):
        if not shutil.which(program):
            return f"needs {program}"
    if "san.so" in subprocess.run(["ldd", LODGED], capture_output=True, text=True, check=False).stdout:
        return "needs a lodged whose sanitizers need not be loaded first"
    return None


class NthLibvirt:
    def __init__(self, world):
        wanted = subprocess.run(["nm", "-D", "-P", LODGED], check=True, capture_output=True, text=True).stdout
        self.names = [name for name in re.findall(r"^(vir\w+)(?:@\S+)? U", wanted, re.M)
                      if not LEFT_ALONE.fullmatch(name)]
        look, doors, library = (world.folder / name for name in ("nth.c", "nth.S", "nth.so"))
        look.write_text(LOOK % {"names": ", ".join(f'"{name}"' for name in self.names)})
        doors.write_text("    .text\n" + "".join(DOOR.format(name=name, index=index)
                                                 for index, name in enumerate(self.names))
                         + "    .section .note.GNU-stack,\"\",@progbits\n")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", look, doors, "-o", library, "-ldl"], check=True)
        path = world.folder / "nth"
        path.write_bytes(struct.pack("qq", -1, 0))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 16)
        self.env = {"LD_PRELOAD": str(library), "NTH_LIBVIRT": str(path)}

    def arm(self, n):
        self.armed = n
        self.shared[0:16] = struct.pack("qq", n, 0)

    def disarm(self):
        left, failed = struct.unpack("qq", self.shared[0:16])
        self.shared[0:8] = struct.pack("q", -1)
        return self.armed - left, self.names[failed - 1] if failed else None
