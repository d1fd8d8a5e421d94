/** Messages that have begun and have not ended. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { silentLog } from "../../src/host/log.ts";
import { Refusals } from "../../src/listen/refusals.ts";
import { UnfinishedMessages } from "../../src/listen/unfinished.ts";
import { silentPeer } from "../e2e/raw_peer.ts";
import { testedWorkers } from "../program.ts";
import { soon } from "../waiting.ts";
import { Client, frameOf, startRelay, until } from "./fixture.ts";

const MIB = 1024 * 1024;

/** A sender that says when it is given up. */
class Sender {
  reason = "";

  giveUp(reason: string): void {
    this.reason = reason;
  }
}

Deno.test("UnfinishedMessages gives up the one that has been unfinished for the longest, at the limit and not before", () => {
  const refusals = new Refusals(silentLog);
  const unfinished = new UnfinishedMessages(new Budget(3 * MIB), refusals);
  const [slow, other, fast] = [new Sender(), new Sender(), new Sender()];
  unfinished.set(slow, MIB);
  unfinished.set(other, MIB / 2);
  unfinished.set(slow, 3 * MIB / 2);
  unfinished.set(fast, MIB);
  assertEquals([slow.reason, unfinished.bytes], ["", 3 * MIB]);
  unfinished.set(fast, MIB + 1);
  assert(slow.reason.includes("--max-memory"));
  assertEquals([other.reason, fast.reason, refusals.total("memory")], ["", "", 1]);
  assertEquals(unfinished.bytes, 3 * MIB / 2 + 1);
  // One that has come whole begins anew, behind the others.
  unfinished.set(other, 0);
  unfinished.set(other, 2 * MIB);
  assertEquals([fast.reason === "", other.reason, unfinished.bytes], [false, "", 2 * MIB]);
});

Deno.test("UnfinishedMessages lets one message come that is larger than all may be", () => {
  const unfinished = new UnfinishedMessages(new Budget(MIB), new Refusals(silentLog));
  const sender = new Sender();
  unfinished.set(sender, 5 * MIB);
  assertEquals(sender.reason, "");
  unfinished.set(sender, 0);
  assertEquals(unfinished.bytes, 0);
});

Deno.test("UnfinishedMessages of several threads give up who has more than its part, and nobody else", () => {
  const counts = new Float64Array(2);
  const refusals = new Refusals(silentLog);
  const [held, honest] = [0, 1].map((own) =>
    new UnfinishedMessages(new Budget(4 * MIB, counts, own), refusals, 2)
  );
  const holders = [new Sender(), new Sender(), new Sender()];
  for (const sender of holders) held!.set(sender, MIB);
  const others = [new Sender(), new Sender()];
  for (const sender of others) honest!.set(sender, MIB);
  assertEquals([...holders, ...others].map(({ reason }) => reason), ["", "", "", "", ""]);
  held!.check();
  assertEquals(holders.map(({ reason }) => reason !== ""), [true, false, false]);
  assertEquals(counts, Float64Array.of(2 * MIB, 2 * MIB));
});

Deno.test("serve closes senders that finish no message where memory is short, and nobody else", async () => {
  await using relay = await startRelay({ listener: "node", maxMemoryBytes: 16 * MIB });
  const host = relay.address.replace("http://", "");
  await using viewer = await Client.open(relay.url("/other?role=watch"));
  await using sender = await Client.open(relay.url("/other?role=publish"));
  await until(relay, ({ viewers }) => viewers === 1, "other");
  const begun = Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0);
  const peers: Deno.Conn[] = [];
  for (let n = 0; n < 8; n++) {
    const peer = await silentPeer(host, "a handshake");
    peers.push(peer);
    // All of a message of a megabyte but its last bytes.
    await peer.write(begun);
    const bytes = new Uint8Array(MIB - 1000);
    for (let at = 0; at < bytes.length;) at += await peer.write(bytes.subarray(at));
    sender.send(frameOf(n, 600_000));
    assertEquals(await viewer.frame(), frameOf(n, 600_000));
  }
  // The first has been told to go; with more threads, the first of one that held more than its part.
  const end = async (peer: Deno.Conn) => {
    const buffer = new Uint8Array(65_536);
    while (await peer.read(buffer).catch(() => null) !== null);
  };
  const ends = (testedWorkers() === 1 ? peers.slice(0, 1) : peers).map(end);
  await soon("the end of the first", Promise.race(ends));
  assert(sender.isOpen && viewer.isOpen);
  const metrics = await (await fetch(`${relay.address}/metrics`)).text();
  const closed = Number(/refused_total\{reason="memory"\} (\d+)/.exec(metrics)![1]);
  assert(closed >= 3 && closed < 8, `${closed} closed`);
  for (const peer of peers) peer.close();
  await Promise.all(ends);
});
