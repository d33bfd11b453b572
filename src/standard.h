/*
 * standard: the three descriptors that every program takes for granted. For the programs, first of
 * all they do: liblodge proper leaves its host's alone.
 */
#ifndef STANDARD_H
#define STANDARD_H

/* Puts something in the place of each that is closed (`lodge ls >&-`), or the next socket would be
 * the standard output: reading ends at once, writing to the output fails, complaints are lost. */
void standard_files_open(void);

#endif
