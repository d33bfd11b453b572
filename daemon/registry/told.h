/*
 * told: what of a text its reader may hear. Errors, reasons and notes are written whole, for admins
 * and the store; they are cut where they leave, by who reads.
 *
 * To others than admins is not told:
 *   a libvirt URI, its user, machine and key files; what is wrong with a host's connection
 *   a path, but for files of the VM that the text is about, and of VMs that the reader sees
 *   a VM that the reader does not see, by name, uuid or MAC: it is "another VM"
 *   libvirt's own text, where one of these stands in it
 *
 * Texts may say whom they name: VM 'NAME', waits for 'NAME', 'NAME'. What is called so and is not
 * seen is cut there even if nobody knows it any more. Loop-only.
 */
#ifndef REGISTRY_TOLD_H
#define REGISTRY_TOLD_H

#include "lodge/error.h"
#include "lodge/op.h"
#include "registry/registry.h"

/* The error of a host that only rows of VMs know; everybody may hear it. */
#define TOLD_HOST_IS_GONE "is not in the configuration any more"

/* Of what a text tells. */
struct told_about {
    const char *host, *uuid; /* its VM, seen by the reader or once his; NULL: none */
    const char *name;        /* what that is, or was, called; NULL: not known */
    bool is_answer;          /* it may say again what the reader has just said: names that lodge
                                does not say are others' stay */
};

/* `text` for that reader, on the heap; NULL for NULL. */
char *told_text(struct registry *registry, const struct viewer *viewer,
                const struct told_about *about, const char *text);

/* `err` for that reader. What an operation ended with is about its VM, whatever `about` says. */
void told_error(struct registry *registry, const struct viewer *viewer,
                const struct told_about *about, const struct lodge_error *err,
                struct lodge_error *ret_told);

/* Why a host is not up, on the heap; NULL: it is. */
char *told_host_error(const struct registry_host *host, const struct viewer *viewer);

/* An operation for one reader. It borrows from the one it was made of, but for what was cut. */
struct told_op {
    struct lodge_op facts; /* first: lists of them are written by its table */
    bool is_cut;
};
void told_op(struct registry *registry, const struct viewer *viewer, const struct lodge_op *op,
             struct told_op *ret_told);
void told_op_clear(struct told_op *told);

#endif
