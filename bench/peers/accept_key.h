/* The answer to a WebSocket handshake's key (RFC 6455 section 4.2.2): SHA-1 (RFC 3174) in base64. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

/* Writes 28 characters and a zero to `out`. `key` begins with the 24 characters of the key. */
static void accept_key(const char *key, char out[29]) {
  unsigned char data[129] = {0}, sum[21] = {0};
  int size = snprintf((char *)data, 64, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  data[size] = 0x80, data[126] = size >> 5, data[127] = size << 3;
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, w[80];
  for (int block = 0; block < 128; block += 64) {
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    memcpy(w, data + block, 64);
    for (int i = 0; i < 80; i++) {
      w[i] = i < 16 ? ntohl(w[i]) : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
      uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                   : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                   : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                            : (b ^ c ^ d) + 0xca62c1d6;
      uint32_t next = rotate(a, 5) + f + e + w[i];
      e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  for (int i = 0; i < 5; i++) h[i] = htonl(h[i]);
  memcpy(sum, h, 20);
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0, o = 0; i < 21; i += 3)
    for (int shift = 18; shift >= 0; shift -= 6)
      out[o++] = digits[(sum[i] << 16 | sum[i + 1] << 8 | sum[i + 2]) >> shift & 63];
  out[27] = '=', out[28] = 0;
}
