/* Decides what the parts of the module `usock` share: deadlines, buffers, and how a failure becomes a negative errno. */
#ifndef USOCK_H
#define USOCK_H
#include <stddef.h>

#include "quickjs-libc.h"

#define ARGS JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv

typedef struct {
  char *bytes;
  size_t used, room, max;
} Buffer;

/* CLOCK_BOOTTIME in ms. */
double boottime_ms(void);
/* Milliseconds for poll(2): rounded up, so that a wait never spins; 0 when the deadline is over. */
int left_ms(double deadline);
int nonblocking(int fd);
/* Reads what is there. 1 = more may come, 0 = end of file, negative = errno. */
int drain(int fd, Buffer *into);
/* Writes what fits. 1 = some is left, 0 = all written, negative = errno. */
int feed(int fd, const char **data, size_t *left);
JSValue number_or_errno(JSContext *ctx, int result);
/* The buffer as a string, or `failure` when that is negative; frees the buffer. */
JSValue text_and_free(JSContext *ctx, Buffer *buffer, int failure);

JSValue js_boottime(ARGS);
JSValue js_connect(ARGS);
JSValue js_exchange(ARGS);
JSValue js_lock(ARGS);
JSValue js_read_file(ARGS);
JSValue js_create_file(ARGS);
JSValue js_append_file(ARGS);
JSValue js_sync_directory(ARGS);
JSValue js_link(ARGS);
JSValue js_run(ARGS);
#endif
