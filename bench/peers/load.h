/* What the loads in C share: clocks, and how they come to a server on this machine. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

/* How long frames come before they are measured. */
static const double WARM_UP_MS = 1000;

static double clock_ms(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

static double now_ms(void) { return clock_ms(CLOCK_REALTIME); }

static void give_up(const char *what) {
  perror(what);
  exit(1);
}

/* Lets the process have as many files open as it may. */
static void open_all_files(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files), files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
}

static int connected(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (void *)&to, sizeof to)) give_up("connect");
  return fd;
}

/* Reads the head of an answer that begins with `status`, byte by byte, so that nothing behind it is taken. */
static void read_head(int fd, const char *status) {
  char answer[4096] = "";
  for (int size = 0; !strstr(answer, "\r\n\r\n");) {
    if (size == sizeof answer - 1 || recv(fd, answer + size++, 1, 0) != 1) give_up("answer");
  }
  if (strncmp(answer, status, strlen(status))) exit((fprintf(stderr, "refused: %s", answer), 1));
}
