/* Decides nothing: files whose bytes must survive a crash, and the lock of one sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "usock.h"

static void interrupt(int signal) { (void)signal; }

/* lock(path, timeoutMs): fd that holds an exclusive flock on the file that `path` names now, or -errno (-ETIMEDOUT). */
JSValue js_lock(ARGS) {
  int timeout, fd = -1, failure = 0;
  if (JS_ToInt32(ctx, &timeout, argv[1])) return JS_EXCEPTION;
  const char *path = JS_ToCString(ctx, argv[0]);
  if (!path) return JS_EXCEPTION;
  double deadline = boottime_ms() + timeout;
  /* SIGALRM interrupts the blocking flock; it repeats, so one that comes between two calls is not lost. */
  struct sigaction on = {.sa_handler = interrupt}, before;
  sigaction(SIGALRM, &on, &before);
  struct itimerval tick = {{0, 50000}, {0, 50000}}, off = {{0, 0}, {0, 0}};
  while (fd < 0 && failure == 0) {
    struct stat held, named;
    int opened = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (opened < 0) {
      failure = -errno;
      break;
    }
    int got = flock(opened, LOCK_EX | LOCK_NB);
    if (got < 0) setitimer(ITIMER_REAL, &tick, NULL);
    while (got < 0 && (errno == EINTR || errno == EWOULDBLOCK) && boottime_ms() < deadline) got = flock(opened, LOCK_EX);
    if (got < 0) failure = errno == EINTR || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
    /* Whoever held it may have removed the file: a lock on an unlinked inode excludes nobody. */
    else if (fstat(opened, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev) fd = opened;
    if (fd < 0) close(opened);
  }
  setitimer(ITIMER_REAL, &off, NULL);
  sigaction(SIGALRM, &before, NULL);
  JS_FreeCString(ctx, path);
  return JS_NewInt32(ctx, fd >= 0 ? fd : failure);
}

/* readFile(path, max): text or -errno; never follows a symlink in the last part. */
JSValue js_read_file(ARGS) {
  int max;
  if (JS_ToInt32(ctx, &max, argv[1])) return JS_EXCEPTION;
  const char *path = JS_ToCString(ctx, argv[0]);
  if (!path) return JS_EXCEPTION;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  JS_FreeCString(ctx, path);
  if (fd < 0) return number_or_errno(ctx, fd);
  Buffer text = {.max = (size_t)max};
  int state = drain(fd, &text);
  close(fd);
  return text_and_free(ctx, &text, state);
}

static int write_all(const char *path, int flags, const char *data, size_t length, int sync) {
  int fd = open(path, flags | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  int state = feed(fd, &data, &length);
  if (state == 0 && sync && fsync(fd) < 0) state = -errno;
  if (close(fd) < 0 && state == 0) state = -errno;
  return state;
}

static JSValue write_text(JSContext *ctx, JSValueConst *argv, int flags, int sync) {
  size_t length;
  const char *path = JS_ToCString(ctx, argv[0]);
  const char *text = path ? JS_ToCStringLen(ctx, &length, argv[1]) : NULL;
  JSValue result = text ? JS_NewInt32(ctx, write_all(path, flags, text, length, sync)) : JS_EXCEPTION;
  JS_FreeCString(ctx, text);
  JS_FreeCString(ctx, path);
  return result;
}

/* createFile(path, text): 0 or -errno; the file is new (O_EXCL), mode 0600, its bytes are on disk. */
JSValue js_create_file(ARGS) { return write_text(ctx, argv, O_CREAT | O_EXCL, 1); }

/* appendFile(path, text): 0 or -errno; one write, not synced. */
JSValue js_append_file(ARGS) { return write_text(ctx, argv, O_CREAT | O_APPEND, 0); }

/* syncDirectory(path): 0 or -errno; renames and links in it are on disk. */
JSValue js_sync_directory(ARGS) {
  const char *path = JS_ToCString(ctx, argv[0]);
  if (!path) return JS_EXCEPTION;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  JS_FreeCString(ctx, path);
  if (fd < 0) return number_or_errno(ctx, fd);
  JSValue result = number_or_errno(ctx, fsync(fd));
  close(fd);
  return result;
}

/* link(from, to): 0 or -errno. */
JSValue js_link(ARGS) {
  const char *from = JS_ToCString(ctx, argv[0]);
  const char *to = from ? JS_ToCString(ctx, argv[1]) : NULL;
  JSValue result = to ? number_or_errno(ctx, link(from, to)) : JS_EXCEPTION;
  JS_FreeCString(ctx, from);
  JS_FreeCString(ctx, to);
  return result;
}
