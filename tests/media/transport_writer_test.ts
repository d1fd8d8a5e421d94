// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { DecodeTimes } from "../../src/media/decode_times.ts";
import { TransportWriter } from "../../src/media/transport_writer.ts";
import { concat, ramp } from "../split/samples.ts";
import { h264Shots, readFile, type Shot } from "./files.ts";

const PACKET = 188;

/** The packets of a file that holds these frames, of which so many are decoded before an earlier one. */
function packetsOf(shots: readonly Shot[], depth = 2): Uint8Array[] {
  const writer = new TransportWriter("h264", new DecodeTimes(depth, 40_000));
  const bytes = concat(...shots.flatMap((shot) => writer.write(shot)));
  assertEquals(bytes.length % PACKET, 0);
  return Array.from(
    { length: bytes.length / PACKET },
    (_, index) => bytes.subarray(index * PACKET, (index + 1) * PACKET),
  );
}

function pidOf(packet: Uint8Array): number {
  return (packet[1]! & 0x1f) * 256 + packet[2]!;
}

/** The clock of a packet that has one, and the times behind it, in units of 90 kHz. */
function timesOf(packet: Uint8Array) {
  const isStart = (packet[1]! & 0x40) !== 0;
  if (pidOf(packet) !== 0x100 || !isStart) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset);
  assert((packet[5]! & 0x10) !== 0, "a clock");
  const clock = view.getUint32(6) * 2 + (packet[10]! >> 7);
  const pes = 5 + packet[4]!;
  assertEquals([...packet.subarray(pes, pes + 4)], [0, 0, 1, 0xe0]);
  const timeAt = (at: number) =>
    ((packet[at]! >> 1) & 7) * 2 ** 30 + (view.getUint16(at + 1) >> 1) * 2 ** 15 +
    (view.getUint16(at + 3) >> 1);
  const hasDecoded = (packet[pes + 7]! & 0x40) !== 0;
  const shown = timeAt(pes + 9);
  return { clock, shown, decoded: hasDecoded ? timeAt(pes + 14) : shown };
}

Deno.test("TransportWriter counts packets of each kind, and has its tables before each key frame", () => {
  const packets = packetsOf(h264Shots(12, 700));
  const counters = new Map<number, number>();
  for (const packet of packets) {
    assertEquals(packet[0], 0x47);
    const pid = pidOf(packet);
    const counter = packet[3]! & 0xf;
    assertEquals(counter, counters.has(pid) ? (counters.get(pid)! + 1) % 16 : 0);
    counters.set(pid, counter);
  }
  const isTable = (packet: Uint8Array | undefined, pid: number) =>
    packet !== undefined && pidOf(packet) === pid;
  for (const [index, packet] of packets.entries()) {
    const isRandomAccess = pidOf(packet) === 0x100 && (packet[3]! & 0x20) !== 0 &&
      packet[4]! > 0 && (packet[5]! & 0x40) !== 0;
    assertEquals(isRandomAccess, isTable(packets[index - 1], 0x1000));
    assertEquals(isTable(packet, 0x1000), isTable(packets[index - 1], 0));
  }
  assertEquals(packets.filter((packet) => isTable(packet, 0)).length, 3);
});

Deno.test("TransportWriter gives times of decoding that grow, before those of showing, behind the clock", () => {
  // 33 bits of 90 kHz end within the second film, which is shown in order.
  const startUs = Math.floor(2 ** 33 / 0.09) - 500_000;
  const late = h264Shots(20).map((shot, index) => ({ ...shot, timeUs: startUs + index * 40_000 }));
  for (const [shots, depth] of [[h264Shots(20), 2], [late, 0]] as const) {
    const seen = packetsOf(shots, depth).flatMap((packet) => timesOf(packet) ?? []);
    assertEquals(seen.length, 20);
    const ahead = (one: number, other: number) => (one - other + 2 ** 33) % 2 ** 33;
    for (const [index, { clock, shown, decoded }] of seen.entries()) {
      for (const time of [clock, shown, decoded]) assert(time < 2 ** 33);
      assert(Math.abs(ahead(decoded, clock) - 9000) <= 1);
      assert(ahead(shown, decoded) < 90_000, `frame ${index} is decoded in time`);
      const last = seen[index - 1];
      if (last !== undefined) assert(ahead(decoded, last.decoded) - 1 < 90_000);
      const sinceUs = shots[index]!.timeUs - shots[0]!.timeUs;
      assert(Math.abs(ahead(shown, seen[0]!.shown) - sinceUs * 0.09) <= 1);
    }
  }
});

for (const bytes of [1, 150, 163, 164, 165, 166, 167, 168, 169, 170, 347, 348, 349, 70_000]) {
  Deno.test(`TransportWriter writes frames of ${bytes} bytes and more that can be read again`, async () => {
    const shots = h264Shots(10, bytes);
    const path = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeFile(path, concat(...packetsOf(shots)));
      const { frames, error, notes } = await readFile(path);
      assertEquals([error, notes], [undefined, []]);
      const delimiter = Uint8Array.of(0, 0, 0, 1, 9, 0xf0);
      assertEquals(
        frames.map(({ data }) => data),
        shots.map(({ data }) => concat(delimiter, data)),
      );
      const [first] = frames;
      assertEquals(
        frames.map(({ ptsUs }) => Math.round((ptsUs! - first!.ptsUs!) / 1000)),
        shots.map(({ timeUs }) => timeUs / 1000),
      );
    } finally {
      await Deno.remove(path);
    }
  });
}

Deno.test("TransportWriter leaves a delimiter that is there as it is", () => {
  const [shot] = h264Shots(1);
  const data = concat(Uint8Array.of(0, 0, 0, 1, 9, 0x10), shot!.data, ramp(3));
  const [plain, marked] = [shot!.data, data].map((data) =>
    packetsOf([{ ...shot!, data }]).map((packet) => [...packet].join()).join()
  );
  assert(plain!.includes("0,0,0,1,9,240"));
  assert(!marked!.includes("0,0,0,1,9,240") && marked!.includes("0,0,0,1,9,16"));
});
