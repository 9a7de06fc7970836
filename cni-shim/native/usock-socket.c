/* Decides nothing: one request and its answer over a unix socket, bounded in time and size. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "usock.h"

/* exchange(fd, deadline, max, request): the whole answer until the peer closes, or -errno. */
JSValue js_exchange(ARGS) {
  int fd, max, state = 1;
  if (JS_ToInt32(ctx, &fd, argv[0]) || JS_ToInt32(ctx, &max, argv[2])) return JS_EXCEPTION;
  double deadline;
  if (JS_ToFloat64(ctx, &deadline, argv[1])) return JS_EXCEPTION;
  size_t left;
  const char *request = JS_ToCStringLen(ctx, &left, argv[3]);
  if (!request) return JS_EXCEPTION;
  const char *rest = request;
  Buffer answer = {.max = (size_t)max};
  nonblocking(fd);
  while (state > 0) {
    struct pollfd one = {.fd = fd, .events = left > 0 ? POLLIN | POLLOUT : POLLIN};
    int ready = poll(&one, 1, left_ms(deadline));
    if (ready == 0) state = -ETIMEDOUT;
    if (ready < 0 && errno != EINTR) state = -errno;
    if (ready <= 0) continue;
    if (left > 0 && (one.revents & (POLLOUT | POLLERR))) {
      int fed = feed(fd, &rest, &left);
      /* An early refusal closes its end while we write: what it said is still to be read. */
      if (fed < 0 && fed != -EPIPE) state = fed;
      if (fed < 0) left = 0;
    }
    if (state > 0 && (one.revents & (POLLIN | POLLHUP | POLLERR))) state = drain(fd, &answer);
  }
  JS_FreeCString(ctx, request);
  return text_and_free(ctx, &answer, state);
}

/* connect(path, timeoutMs): fd or -errno. */
JSValue js_connect(ARGS) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  int timeout;
  if (JS_ToInt32(ctx, &timeout, argv[1])) return JS_EXCEPTION;
  const char *path = JS_ToCString(ctx, argv[0]);
  if (!path) return JS_EXCEPTION;
  size_t length = strlen(path);
  if (length < sizeof to.sun_path) memcpy(to.sun_path, path, length + 1);
  JS_FreeCString(ctx, path);
  if (length >= sizeof to.sun_path) return JS_NewInt32(ctx, -ENAMETOOLONG);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return number_or_errno(ctx, fd);
  /* A full backlog blocks connect(2) on a unix socket; the send timeout bounds that. */
  struct timeval limit = {.tv_sec = timeout / 1000, .tv_usec = timeout % 1000 * 1000 + 1};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return JS_NewInt32(ctx, fd);
  int failure = -errno;
  close(fd);
  return JS_NewInt32(ctx, failure);
}
