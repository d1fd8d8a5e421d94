// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Relay } from "../../src/server/serve.ts";
import { clientFrame, silentPeer } from "../e2e/raw_peer.ts";
import { Client, frameOf, numberOf, startRelay, until } from "./fixture.ts";

const BINARY = 0x82;
const TEXT = 0x81;

/** A frame goes from a good client to a good viewer, as if nothing had happened. */
async function stillWorks(relay: Relay & { url(path: string): string }): Promise<void> {
  await using viewer = await Client.open(relay.url("/other?role=watch"));
  await using sender = await Client.open(relay.url("/other?role=publish"));
  await until(relay, ({ viewers }) => viewers === 1, "other");
  sender.send(frameOf(42));
  assertEquals(numberOf(await viewer.frame()), 42);
}

/** What a peer sends behind its handshake. */
const ATTACKS: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ["a frame without a mask", Uint8Array.of(BINARY, 4, 1, 2, 3, 4)],
  ["a reserved opcode", clientFrame(0x83, "x")],
  ["reserved bits", clientFrame(0xf2, "x")],
  ["a continuation of nothing", clientFrame(0x80, "x")],
  [
    "a message within a fragmented message",
    new Uint8Array([
      ...clientFrame(0x02, "first part"),
      ...clientFrame(BINARY, "another message"),
    ]),
  ],
  ["text that is not UTF-8", clientFrame(TEXT, Uint8Array.of(0xff, 0xfe, 0xc0))],
  ["a ping of 200 bytes", clientFrame(0x89, new Uint8Array(200))],
  ["a fragmented ping", clientFrame(0x09, "x")],
  ["a close frame of one byte", clientFrame(0x88, Uint8Array.of(3))],
  ["a close frame with code 1005", clientFrame(0x88, Uint8Array.of(0x03, 0xed))],
  ["a length of 2^63", Uint8Array.of(BINARY, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ["a length of 1 TB", Uint8Array.of(BINARY, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ["HTTP again", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")],
];

for (const after of ["a handshake", "a hello"] as const) {
  Deno.test(`Broken WebSocket frames after ${after} harm nobody else`, async (t) => {
    await using relay = await startRelay();
    const host = relay.address.replace("http://", "");
    for (const [what, bytes] of ATTACKS) {
      await t.step(what, async () => {
        const peer = await silentPeer(host, after);
        await peer.write(bytes);
        await stillWorks(relay);
        peer.close();
      });
    }
  });
}

Deno.test("Bytes that are no HTTP, and half a handshake, harm nobody else", async () => {
  await using relay = await startRelay();
  const host = relay.address.replace("http://", "");
  const half = await silentPeer(host, "half a handshake");
  const garbage = await Deno.connect({ port: Number(host.split(":")[1]) });
  await garbage.write(crypto.getRandomValues(new Uint8Array(2000)));
  await stillWorks(relay);
  half.close();
  garbage.close();
});

Deno.test("A bare frame in fragments comes out whole", async () => {
  await using relay = await startRelay();
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  const peer = await Deno.connect({ port: Number(new URL(relay.address).port) });
  await peer.write(new TextEncoder().encode(
    "GET /live?role=publish HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  await peer.write(clientFrame(0x02, "one "));
  await peer.write(clientFrame(0x89, "ping"));
  await peer.write(clientFrame(0x00, "frame in "));
  await peer.write(clientFrame(0x80, "parts"));
  assertEquals(new TextDecoder().decode(await viewer.frame()), "one frame in parts");
  peer.close();
});

Deno.test("Random messages over real sockets harm nobody else", async () => {
  await using relay = await startRelay({ maxFrameBytes: 1000 });
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 1200 }),
    fc.string({ maxLength: 200 }),
    fc.constantFrom(
      '{"type":"hello","version":1,"role":"watch"}',
      '{"type":"hello","version":1,"role":"publish","session":"s","takeover":true}',
      '{"type":"config","epoch":0,"format":"raw"}',
      '{"type":"ack","sequence":1}',
      '{"type":"time","clientUs":1}',
      '{"type":"end"}',
    ),
  );
  const peers = fc.array(
    fc.record({ bare: fc.boolean(), messages: fc.array(message, { maxLength: 20 }) }),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(peers, async (all) => {
      for (const { bare, messages } of all) {
        await using client = await Client.open(relay.url("/live"), bare ? [] : ["stream.v1"]);
        for (const each of messages) {
          client.send(typeof each === "string" ? each : new Uint8Array(each));
        }
      }
    }),
    { numRuns: 60, seed: 1 },
  );
  await stillWorks(relay);
});
