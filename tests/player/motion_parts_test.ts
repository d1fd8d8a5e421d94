// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { Boundary, partHead } from "../../src/http/multipart.ts";
import { MotionParts } from "../../src/player/motion_parts.ts";

const encoder = new TextEncoder();

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

/** What the relay sends of these pictures. */
function motion(pictures: readonly Uint8Array[]): Uint8Array {
  const boundary = new Boundary("common");
  return joined([
    boundary.start("counted"),
    ...pictures.flatMap((picture, index) => [
      partHead(picture.length, index * 1e6, "counted"),
      picture,
      boundary.end("counted"),
    ]),
  ]);
}

Deno.test("MotionParts finds the relay's pictures, however the bytes come", () => {
  // One of them looks like what stands between parts.
  const pictures = [
    Uint8Array.of(255, 216, 1, 255, 217),
    encoder.encode("\r\n\r\n--common\r\nContent-Length: 9\r\n\r\n"),
    new Uint8Array(700).fill(13),
  ];
  const bytes = motion(pictures);
  for (const size of [1, 2, 7, 100, bytes.length]) {
    const parts = new MotionParts();
    const found: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      found.push(...parts.push(bytes.subarray(at, at + size)));
    }
    assertEquals(found, pictures, `${size} bytes at once`);
  }
});

Deno.test("MotionParts takes nothing that is no motion JPEG, or has no end", () => {
  const wrong: [string, RegExp][] = [
    ["<html>\r\n\r\n", /no motion JPEG/],
    ["--b\r\nContent-Type: image/jpeg\r\n\r\n", /no motion JPEG/],
    ["--b\r\nContent-Length: 0\r\n\r\n", /no motion JPEG/],
    ["--b\r\nContent-Length: -5\r\n\r\n", /no motion JPEG/],
    ["--b\r\nContent-Length: 67108865\r\n\r\n", /67108865 bytes/],
    ["--b\r\nContent-Length: 99999999999999\r\n\r\n", /no motion JPEG/],
    ["-".repeat(8193), /too long/],
  ];
  for (const [text, message] of wrong) {
    const error = assertThrows(() => new MotionParts().push(encoder.encode(text)), Error);
    assertEquals(message.test(error.message), true, `${text.slice(0, 60)}: ${error.message}`);
  }
});
