/* Decides nothing: the system calls that QuickJS's std and os lack, as thin synchronous functions.
   A failure is a negative errno. Every wait is bounded by a CLOCK_BOOTTIME deadline in ms. Declared in quickjs.d.ts. */
#include "usock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef SHIM_VERSION
#error "SHIM_VERSION is given by the build"
#endif
/* The agent recognises its own binaries, and versions of them, by this string. */
static const char marker[] __attribute__((used)) = "plexus-cni-shim " SHIM_VERSION;

double boottime_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (double)now.tv_sec * 1000.0 + (double)(now.tv_nsec / 1000) / 1000.0;
}

int left_ms(double deadline) {
  double left = deadline - boottime_ms();
  if (left <= 0) return 0;
  return left > 1e9 ? 1000000000 : (int)left + 1;
}

JSValue number_or_errno(JSContext *ctx, int result) {
  return JS_NewInt32(ctx, result < 0 ? -errno : result);
}

int drain(int fd, Buffer *into) {
  for (;;) {
    if (into->used == into->room) {
      if (into->room >= into->max) return -EMSGSIZE;
      size_t room = into->room ? into->room * 2 : 4096;
      char *grown = realloc(into->bytes, room);
      if (!grown) return -ENOMEM;
      into->bytes = grown;
      into->room = room;
    }
    ssize_t got = read(fd, into->bytes + into->used, into->room - into->used);
    if (got == 0) return 0;
    if (got > 0) into->used += (size_t)got;
    else if (errno == EAGAIN) return 1;
    else if (errno != EINTR) return -errno;
  }
}

int feed(int fd, const char **data, size_t *left) {
  while (*left > 0) {
    ssize_t put = write(fd, *data, *left);
    if (put >= 0) {
      *data += put;
      *left -= (size_t)put;
    } else if (errno == EAGAIN) return 1;
    else if (errno != EINTR) return -errno;
  }
  return 0;
}

int nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

JSValue text_and_free(JSContext *ctx, Buffer *buffer, int failure) {
  JSValue value = failure < 0 ? JS_NewInt32(ctx, failure) : JS_NewStringLen(ctx, buffer->bytes ? buffer->bytes : "", buffer->used);
  free(buffer->bytes);
  return value;
}

/* boottime(): ms */
JSValue js_boottime(ARGS) { return JS_NewFloat64(ctx, boottime_ms()); }

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("boottime", 0, js_boottime),
    JS_CFUNC_DEF("connect", 2, js_connect),
    JS_CFUNC_DEF("exchange", 4, js_exchange),
    JS_CFUNC_DEF("lock", 2, js_lock),
    JS_CFUNC_DEF("readFile", 2, js_read_file),
    JS_CFUNC_DEF("createFile", 2, js_create_file),
    JS_CFUNC_DEF("appendFile", 2, js_append_file),
    JS_CFUNC_DEF("syncDirectory", 1, js_sync_directory),
    JS_CFUNC_DEF("link", 2, js_link),
    JS_CFUNC_DEF("run", 4, js_run),
    JS_PROP_STRING_DEF("marker", marker, 0),
};

static int initialise(JSContext *ctx, JSModuleDef *module) {
  signal(SIGPIPE, SIG_IGN);
  return JS_SetModuleExportList(ctx, module, functions, sizeof functions / sizeof functions[0]);
}

JSModuleDef *js_init_module_usock(JSContext *ctx, const char *name) {
  JSModuleDef *module = JS_NewCModule(ctx, name, initialise);
  if (module) JS_AddModuleExportList(ctx, module, functions, sizeof functions / sizeof functions[0]);
  return module;
}
