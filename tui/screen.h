/*
 * screen: the terminal. The only door to curses (with pairs.c): canvases go out, keys come in.
 *
 * It owns the terminal's modes from open to close and gives them back whatever happens: at close,
 * while suspended, and, by a handler that does nothing unsafe, when the program crashes. There is
 * one terminal, so there is one screen. One thread.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include "input/decoder.h"
#include "input/key.h"
#include "lodge/error.h"
#include "view/canvas.h"

/* Takes the terminal. INVALID, with what to use instead, where a TUI cannot be: no terminal,
 * an unknown one, or a dumb one. The locale must be set. */
bool screen_open(struct lodge_error *err) LODGE_MUST_CHECK;

/* Gives it back. Fine when it is not open. */
void screen_close(void);

/* What it can show; may grow once it has answered how wide a line character is. */
enum glyphs screen_glyphs(void);

/* The colours it has, as far as they are wanted. */
enum palette screen_palette(void);

/* Its size; ask after SIGWINCH. */
void screen_size(int *ret_width, int *ret_height);

/* Shows a canvas of that size: sends what differs from what is shown. */
void screen_show(const struct canvas *canvas);

/* Everything will be sent anew with the next canvas. */
void screen_distrust(void);

/* The next key that was hit; false: none is waiting, or what came last has to be waited for. Reads
 * no more than once per key, so that who sends without end is not all that is listened to. */
bool screen_key(struct key *ret_key);

/* What was pasted, after KEY_CODE_PASTE (as decoder_paste() tells). */
void screen_paste(char text[PASTE_BYTES], bool *ret_cut);

/* Milliseconds until screen_expire() is due, -1: it is not. */
int screen_patience_ms(void);

/* Gives up a paste that does not end; whether there was one. */
bool screen_expire(void);

/* Gives the terminal back, stops the job (all processes of ours that the terminal's shell knows as
 * one) until it is continued, takes the terminal again. */
void screen_suspend(void);

/* Offers text to the terminal's clipboard (OSC 52, works through ssh). */
void screen_copy(const char *text);

#endif
