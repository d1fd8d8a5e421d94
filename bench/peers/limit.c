/*
 * The limit of the machine: one thread, epoll, and send() of a message that is made once for all.
 *
 * gcc -O2 limit.c -o limit; limit [--port PORT]. A handshake has to come in one piece.
 */
#define _GNU_SOURCE
#include "accept_key.h"
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FRAME = 16 << 20, MAX_HEADER = 14, MAX_WAITING = 3, BACKLOG = 10000, EVENTS = 512, MAX_VIEWERS = 1 << 16 };

typedef struct { int holders; size_t size; unsigned char bytes[]; } Message; /* with its header */

typedef struct {
  enum { NEW, PUBLISHER, VIEWER } role;
  int fd, place, waiting;
  size_t sent, received; /* bytes: of the first message that waits, and into `in` */
  Message *messages[MAX_WAITING];
  unsigned char *in;
} Peer;

static int epoll, viewer_count;
static Peer *viewers[MAX_VIEWERS];

static void watch(Peer *peer, int operation, uint32_t events) {
  epoll_ctl(epoll, operation, peer->fd, &(struct epoll_event){.events = events, .data.ptr = peer});
}

static void release(Message *message) {
  if (--message->holders == 0) free(message);
}

/* Sends what waits. A viewer that has gone is seen when it is read from. */
static void drain(Peer *viewer) {
  while (viewer->waiting > 0) {
    Message *first = viewer->messages[0];
    ssize_t sent = send(viewer->fd, first->bytes + viewer->sent, first->size - viewer->sent, MSG_NOSIGNAL);
    if (sent < 0 || (viewer->sent += sent) < first->size) return;
    viewer->sent = 0;
    memmove(viewer->messages, viewer->messages + 1, --viewer->waiting * sizeof first);
    release(first);
  }
}

static void relay(Message *message) {
  for (int i = 0; i < viewer_count; i++) {
    Peer *viewer = viewers[i];
    if (viewer->waiting == MAX_WAITING) continue; /* more than two frames unsent: this one is skipped */
    message->holders++;
    viewer->messages[viewer->waiting++] = message;
    if (viewer->waiting > 1) continue;
    drain(viewer);
    if (viewer->waiting > 0) watch(viewer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  }
  release(message);
}

/* Relays each whole message of a publisher: unmasked, and its header without the mask. */
static int take(Peer *peer) {
  unsigned char *at = peer->in, *end = at + peer->received;
  while (end - at >= 2) {
    size_t size = at[1] & 127, header = size < 126 ? 2 : size == 126 ? 4 : 10;
    if (end - at < (ssize_t)header + 4) break;
    if (header == 4) size = at[2] << 8 | at[3];
    if (header == 10) size = (size_t)at[6] << 24 | at[7] << 16 | at[8] << 8 | at[9];
    if (size > MAX_FRAME || (at[0] & 15) == 8 || !(at[1] & 128)) return 0;
    unsigned char *mask = at + header, *payload = mask + 4;
    if (payload + size > end) break;
    Message *message = malloc(sizeof *message + header + size);
    *message = (Message){.holders = 1, .size = header + size};
    memcpy(message->bytes, at, header), message->bytes[1] &= 127;
    for (size_t i = 0; i < size; i++) message->bytes[header + i] = payload[i] ^ mask[i & 3];
    if (at[0] == 0x82) relay(message);
    else free(message);
    at = payload + size;
  }
  memmove(peer->in, at, peer->received = end - at);
  return 1;
}

static int welcome(Peer *peer, const char *request) {
  int publishes = strncmp(request, "GET /live?role=publish ", 23) == 0;
  const char *key = strcasestr(request, "\r\nsec-websocket-key: ");
  if (key == NULL || !(publishes || strncmp(request, "GET /live?role=watch ", 21) == 0)) return 0;
  if (viewer_count == MAX_VIEWERS) return 0;
  char accept[29];
  accept_key(key + 21, accept);
  dprintf(peer->fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
  if ((peer->role = publishes ? PUBLISHER : VIEWER) == VIEWER) viewers[peer->place = viewer_count++] = peer;
  else peer->in = malloc(MAX_FRAME + MAX_HEADER);
  return 1;
}

/* Returns 0 where the peer has gone or is not understood. */
static int receive(Peer *peer) {
  static char scratch[1 << 16];
  int publishes = peer->role == PUBLISHER;
  void *to = publishes ? peer->in + peer->received : (void *)scratch;
  ssize_t size = recv(peer->fd, to, publishes ? MAX_FRAME + MAX_HEADER - peer->received : sizeof scratch - 1, 0);
  if (size <= 0) return 0;
  if (publishes) return peer->received += size, take(peer);
  scratch[size] = 0;
  if (peer->role == NEW) return welcome(peer, scratch);
  return (scratch[0] & 15) != 8; /* a viewer says nothing but goodbye */
}

static void leave(Peer *peer) {
  if (peer->role == VIEWER) (viewers[peer->place] = viewers[--viewer_count])->place = peer->place;
  while (peer->waiting > 0) release(peer->messages[--peer->waiting]);
  close(peer->fd), free(peer->in), free(peer);
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (argc == 3) at.sin_port = htons(atoi(argv[2]));
  Peer server = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
  int one = 1, peer_fd;
  setsockopt(server.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(server.fd, (void *)&at, sizeof at) || listen(server.fd, BACKLOG)) return perror("limit"), 1;
  getsockname(server.fd, (void *)&at, &(socklen_t){sizeof at});
  epoll = epoll_create1(0);
  watch(&server, EPOLL_CTL_ADD, EPOLLIN);
  fprintf(stderr, "listening on http://127.0.0.1:%d\n", ntohs(at.sin_port));
  for (struct epoll_event events[EVENTS];;) {
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      Peer *peer = events[i].data.ptr;
      if (peer == &server) {
        if ((peer_fd = accept4(server.fd, NULL, NULL, SOCK_NONBLOCK)) < 0) continue;
        setsockopt(peer_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        *(peer = calloc(1, sizeof *peer)) = (Peer){.fd = peer_fd};
        watch(peer, EPOLL_CTL_ADD, EPOLLIN);
      } else if (events[i].events & ~EPOLLOUT && !receive(peer)) {
        leave(peer);
      } else if (events[i].events & EPOLLOUT) {
        drain(peer);
        if (peer->waiting == 0) watch(peer, EPOLL_CTL_MOD, EPOLLIN);
      }
    }
  }
}
