/*
 * A load that takes as little of the machine as it can: a publisher and viewers without a subprotocol on
 * one thread, for relays that leave nothing to a load of more comfort.
 *
 * gcc -O2 viewers.c -o viewers; viewers PORT VIEWERS BYTES FPS SECONDS. All viewers join, then frames come for
 * a second and for the SECONDS that are measured, and a line of JSON tells of those.
 */
#define _GNU_SOURCE
#include "load.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_HEADER = 14, HEAD = 16, EVENTS = 256, BUFFER = 1 << 20, BUCKETS = 100000, AHEAD_BYTES = 16 << 20 };
static const double BUCKET_MS = 0.1;

typedef struct {
  int fd, header_bytes, opcode;
  size_t left, taken; /* of the payload of the frame under way */
  unsigned char header[10], head[HEAD];
} Viewer;

static long delays[BUCKETS], frames, measured, failed;
static double begin_ms = 1e300, end_ms = 1e300;

static int join(int port, const char *role) {
  int fd = connected(port), one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  dprintf(fd, "GET /live?role=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", role, port);
  read_head(fd, "HTTP/1.1 101 ");
  return fd;
}

static void count(const Viewer *viewer) {
  double sent_ms, ms = now_ms();
  memcpy(&sent_ms, viewer->head, sizeof sent_ms);
  if (ms >= begin_ms && ms < end_ms) frames++;
  if (sent_ms < begin_ms || sent_ms >= end_ms) return;
  measured++;
  int bucket = (ms - sent_ms) / BUCKET_MS;
  delays[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* RFC 6455 section 5.2, of a server: no mask. */
static void take(Viewer *viewer, const unsigned char *at, size_t size) {
  while (size > 0) {
    if (viewer->left == 0) {
      viewer->header[viewer->header_bytes++] = *at++, size--;
      if (viewer->header_bytes < 2) continue;
      const unsigned char *header = viewer->header;
      int code = header[1] & 127;
      if (viewer->header_bytes < (code == 127 ? 10 : code == 126 ? 4 : 2)) continue;
      viewer->left = code;
      if (code >= 126) viewer->left = 0;
      for (int i = 2; i < viewer->header_bytes; i++) viewer->left = viewer->left << 8 | header[i];
      viewer->opcode = header[0] & 15, viewer->header_bytes = 0, viewer->taken = 0;
      continue;
    }
    size_t part = viewer->left < size ? viewer->left : size;
    if (viewer->taken < HEAD) {
      size_t wanted = HEAD - viewer->taken;
      memcpy(viewer->head + viewer->taken, at, part < wanted ? part : wanted);
    }
    viewer->taken += part, viewer->left -= part, at += part, size -= part;
    if (viewer->left == 0 && viewer->opcode == 2) count(viewer);
  }
}

static double quantile(double share) {
  long sum = 0;
  for (int i = 0; i < BUCKETS; i++) {
    if ((sum += delays[i]) >= measured * share && sum > 0) return (i + 1) * BUCKET_MS;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "viewers PORT VIEWERS BYTES FPS SECONDS\n"), 2;
  int port = atoi(argv[1]), viewers = atoi(argv[2]), bytes = atoi(argv[3]);
  double interval_ms = 1000 / atof(argv[4]), window_ms = 1000 * atof(argv[5]);
  open_all_files();
  int epoll = epoll_create1(0), ahead = AHEAD_BYTES;
  Viewer *all = calloc(viewers, sizeof *all);
  for (int i = 0; i < viewers; i++) {
    all[i].fd = join(port, "watch");
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &all[i]});
  }
  int publisher = join(port, "publish");
  setsockopt(publisher, SOL_SOCKET, SO_SNDBUF, &ahead, sizeof ahead);

  /* The mask is 0, so that the payload stands as it is. */
  unsigned char *message = calloc(1, MAX_HEADER + bytes);
  int header = 2, length_bytes = bytes < 126 ? 0 : bytes <= 0xffff ? 2 : 8;
  message[0] = 0x82, message[1] = 0x80 | (length_bytes == 0 ? bytes : length_bytes == 2 ? 126 : 127);
  for (int i = length_bytes - 1; i >= 0; i--) message[header++] = i < 4 ? bytes >> 8 * i : 0;
  header += 4;

  static unsigned char buffer[BUFFER];
  double started_ms = now_ms(), next_ms = started_ms, cpu_ms = 0;
  long published = 0;
  for (;;) {
    double ms = now_ms();
    if (begin_ms == 1e300 && ms >= started_ms + WARM_UP_MS) {
      begin_ms = ms, end_ms = ms + window_ms, cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    }
    if (ms >= end_ms) break;
    if (ms >= next_ms) {
      memcpy(message + header, &ms, sizeof ms);
      for (int sent = 0, part; sent < header + bytes; sent += part) {
        if ((part = send(publisher, message + sent, header + bytes - sent, MSG_NOSIGNAL)) < 0) give_up("publish");
      }
      if (ms >= begin_ms) published++;
      next_ms += interval_ms;
    }
    struct epoll_event events[EVENTS];
    int wait_ms = next_ms - now_ms() < 1 ? 0 : (int)(next_ms - now_ms());
    int ready = epoll_wait(epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < ready; i++) {
      Viewer *viewer = events[i].data.ptr;
      ssize_t size = recv(viewer->fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (size > 0) take(viewer, buffer, size);
      else if (size == 0 || errno != EAGAIN) epoll_ctl(epoll, EPOLL_CTL_DEL, viewer->fd, NULL), failed++;
    }
  }
  cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_ms;
  printf("{\"frames\":%ld,\"published\":%ld,\"measured\":%ld,\"failed\":%ld,\"windowBeganMs\":%.1f,"
         "\"windowEndedMs\":%.1f,\"cpuShare\":%.3f,\"delayP50Ms\":%.1f,\"delayP99Ms\":%.1f,\"delayMaxMs\":%.1f}\n",
         frames, published, measured, failed, begin_ms, end_ms, cpu_ms / window_ms,
         quantile(0.5), quantile(0.99), quantile(1));
}
