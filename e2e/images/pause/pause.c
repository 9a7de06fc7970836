/* Waits until it is told to end, and reaps the children it adopts: the sandbox container of every pod and the init of every node. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal) {
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

static void leave(int signal) {
  (void)signal;
  _exit(0);
}

int main(void) {
  struct sigaction reaping = {.sa_handler = reap, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  struct sigaction leaving = {.sa_handler = leave};
  if (sigaction(SIGCHLD, &reaping, NULL) < 0 || sigaction(SIGTERM, &leaving, NULL) < 0 || sigaction(SIGINT, &leaving, NULL) < 0) return 1;
  reap(0); /* Children that ended before the handler was there. */
  for (;;) pause();
}
