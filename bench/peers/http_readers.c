/*
 * Readers of answers that have no end, which throw away what they get: a load that takes as little of the machine
 * as it can.
 *
 * gcc -O2 http_readers.c -o http_readers; http_readers PORT PATH READERS SECONDS. All of them ask, and a second later
 * it is counted for SECONDS what comes; a line of JSON tells of that.
 */
#define _GNU_SOURCE
#include "load.h"
#include <errno.h>
#include <sys/epoll.h>

enum { EVENTS = 256, MOST = 1 << 22 };

static int ask(int port, const char *path) {
  int fd = connected(port);
  dprintf(fd, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\n\r\n", path, port);
  read_head(fd, "HTTP/1.1 200 ");
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 5) return fprintf(stderr, "http_readers PORT PATH READERS SECONDS\n"), 2;
  int port = atoi(argv[1]), readers = atoi(argv[3]);
  double window_ms = 1000 * atof(argv[4]), begin_ms = 1e300, end_ms = 1e300, cpu_ms = 0;
  open_all_files();
  int epoll = epoll_create1(0);
  long long bytes = 0;
  int failed = 0;
  for (int i = 0; i < readers; i++) {
    int fd = ask(port, argv[2]);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
  }
  double started_ms = now_ms();
  for (;;) {
    double ms = now_ms();
    if (begin_ms == 1e300 && ms >= started_ms + WARM_UP_MS) {
      begin_ms = ms, end_ms = ms + window_ms, cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID), bytes = 0;
    }
    if (ms >= end_ms) break;
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, 10);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      /* Thrown away where it is, see tcp(7). */
      ssize_t size = recv(fd, NULL, MOST, MSG_DONTWAIT | MSG_TRUNC);
      if (size > 0) bytes += size;
      else if (size == 0 || errno != EAGAIN) epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL), failed++;
    }
  }
  cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_ms;
  printf("{\"bytes\":%lld,\"failed\":%d,\"windowBeganMs\":%.1f,\"windowEndedMs\":%.1f,\"cpuShare\":%.3f}\n",
         bytes, failed, begin_ms, end_ms, cpu_ms / window_ms);
}
