/* Decides nothing: runs one delegate with a limit on its time and output, in a process group that can be ended as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "usock.h"

/* Feeds a child, gathers its stdout and waits for its end. Returns 0, or -errno after the child's process group was killed. */
static int attend(pid_t child, int in, int out, const char *data, size_t left, double deadline, Buffer *text) {
  int state = 1, ended = 0, process = (int)syscall(SYS_pidfd_open, child, 0);
  if (process < 0) state = -errno;
  nonblocking(in);
  nonblocking(out);
  while (state > 0 && !ended) {
    struct pollfd three[] = {{.fd = process, .events = POLLIN}, {.fd = out, .events = POLLIN}, {.fd = in, .events = POLLOUT}};
    int ready = poll(three, 3, left_ms(deadline));
    if (ready == 0) state = -ETIMEDOUT;
    if (ready < 0 && errno != EINTR) state = -errno;
    if (ready <= 0) continue;
    if (three[2].revents && feed(in, &data, &left) <= 0) {
      close(in);
      in = -1; /* Written, or the child does not read: both end its stdin. */
    }
    /* What a child has printed is whole once it has ended, even if a grandchild keeps the pipe open. */
    ended = three[0].revents != 0;
    int more = out < 0 ? 1 : drain(out, text);
    if (more < 0) state = more;
    if (more == 0) {
      close(out);
      out = -1;
    }
  }
  if (state < 0) {
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
  }
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  if (process >= 0) close(process);
  return state < 0 ? state : 0;
}

/* Starts `file` in a process group of its own with our stderr; `keep` stays open in it. Returns its pid or -errno (exec's included). */
static pid_t start(const char *file, char **env, int keep, int in, int out) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  pid_t child;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (keep >= 0) posix_spawn_file_actions_adddup2(&actions, keep, keep); /* Same number: only clears close-on-exec. */
  posix_spawnattr_init(&attributes);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  char *arguments[] = {(char *)file, NULL};
  int failure = posix_spawn(&child, file, &actions, &attributes, arguments, env);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure ? -failure : child;
}

static void free_environment(JSContext *ctx, char **env) {
  for (char **one = env; env && *one; one++) JS_FreeCString(ctx, *one);
  free(env);
}

static char **environment_of(JSContext *ctx, JSValueConst list) {
  uint32_t count = 0;
  JSValue length = JS_GetPropertyStr(ctx, list, "length");
  int failed = JS_ToUint32(ctx, &count, length);
  char **env = failed ? NULL : calloc((size_t)count + 1, sizeof *env);
  for (uint32_t i = 0; env && i < count; i++) {
    JSValue one = JS_GetPropertyUint32(ctx, list, i);
    env[i] = (char *)JS_ToCString(ctx, one);
    JS_FreeValue(ctx, one);
    if (env[i]) continue;
    free_environment(ctx, env);
    return NULL;
  }
  return env;
}

/* run(file, env, input, [keepFd, timeoutMs, max]): [exitCode, signal, stdout], or -errno (exec failed, -ETIMEDOUT, -EMSGSIZE). */
JSValue js_run(ARGS) {
  int limits[3], in[2], out[2], status = 0;
  size_t length;
  for (uint32_t i = 0; i < 3; i++) {
    JSValue limit = JS_GetPropertyUint32(ctx, argv[3], i);
    if (JS_ToInt32(ctx, &limits[i], limit)) return JS_EXCEPTION;
  }
  char **env = environment_of(ctx, argv[1]);
  const char *file = env ? JS_ToCString(ctx, argv[0]) : NULL;
  const char *input = file ? JS_ToCStringLen(ctx, &length, argv[2]) : NULL;
  JSValue result = JS_EXCEPTION;
  if (!input) goto done;
  if (pipe2(in, O_CLOEXEC) < 0) {
    result = JS_NewInt32(ctx, -errno);
    goto done;
  }
  if (pipe2(out, O_CLOEXEC) < 0) {
    result = JS_NewInt32(ctx, -errno);
    close(in[0]);
    close(in[1]);
    goto done;
  }
  double deadline = boottime_ms() + limits[1];
  pid_t child = start(file, env, limits[0], in[0], out[1]);
  close(in[0]);
  close(out[1]);
  if (child < 0) {
    close(in[1]);
    close(out[0]);
    result = JS_NewInt32(ctx, child);
    goto done;
  }
  Buffer text = {.max = (size_t)limits[2]};
  int failure = attend(child, in[1], out[0], input, length, deadline, &text);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  JSValue printed = text_and_free(ctx, &text, failure);
  if (failure < 0) result = printed;
  else {
    result = JS_NewArray(ctx);
    JS_SetPropertyUint32(ctx, result, 0, JS_NewInt32(ctx, WIFEXITED(status) ? WEXITSTATUS(status) : -1));
    JS_SetPropertyUint32(ctx, result, 1, JS_NewInt32(ctx, WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    JS_SetPropertyUint32(ctx, result, 2, printed);
  }
done:
  JS_FreeCString(ctx, input);
  JS_FreeCString(ctx, file);
  free_environment(ctx, env);
  return result;
}
