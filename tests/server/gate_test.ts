/** Who may come in, by addresses that a test makes up. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { silentLog } from "../../src/host/log.ts";
import { isLoopbackAddress, Networks, siteOf } from "../../src/listen/addresses.ts";
import { capVisits, clearVisits, Gate, sharedVisits } from "../../src/listen/gate.ts";
import { DEFAULT_LISTEN_LIMITS, type ListenLimits } from "../../src/listen/limits.ts";
import { Refusals } from "../../src/listen/refusals.ts";

const ME = "192.0.2.1";
const OTHER = "192.0.2.2";

/** Gates of so many threads that count together, and their clock. */
function gates(limits: Partial<ListenLimits>, threads = 1) {
  const scene = { nowS: 0 };
  const refusals = new Refusals(silentLog);
  const visits = sharedVisits(threads);
  const options = {
    limits: { ...DEFAULT_LISTEN_LIMITS, ...limits },
    refusals,
    visits,
    nowS: () => scene.nowS,
  };
  const all = Array.from({ length: threads }, (_, own) => new Gate({ ...options, own }));
  return Object.assign(scene, { all, gate: all[0]!, refusals, visits });
}

Deno.test("Gate lets in as many connections as may be, of all threads, and others when some have gone", () => {
  const { all: [one, two], refusals, visits } = gates({ maxConnections: 3 }, 2);
  assertEquals([one!.enter(ME), two!.enter(OTHER), two!.enter("127.0.0.1")], [
    undefined,
    undefined,
    undefined,
  ]);
  const refused = one!.enter("::1");
  assertEquals([refused?.status, refused?.retryAfterS], [503, 10]);
  assertEquals(refusals.total("connections"), 1);
  two!.leave(OTHER);
  assertEquals(one!.enter("::1"), undefined);
  capVisits(visits, 2);
  one!.leave("::1");
  assertEquals(one!.enter("::1")?.status, 503);
  clearVisits(visits, 1);
  assertEquals(one!.enter("::1"), undefined);
});

Deno.test("Gate lets in as many connections of one address, in all threads; IPv6 counts by its /64", () => {
  const { all: [one, two], refusals } = gates({ maxPerAddress: 2 }, 2);
  assertEquals([one!.enter(ME), two!.enter(`::ffff:${ME}`)], [undefined, undefined]);
  assertEquals([one!.enter(ME)?.status, two!.enter(ME)?.status], [429, 429]);
  assertEquals(one!.enter(OTHER), undefined);
  two!.leave(ME);
  assertEquals(one!.enter(ME), undefined);
  assertEquals([one!.enter("2001:db8::1"), one!.enter("2001:db8::ffff")], [undefined, undefined]);
  assertEquals(one!.enter("2001:db8:0:0:1::")?.status, 429);
  assertEquals(one!.enter("2001:db8:0:1::1"), undefined);
  assertEquals(refusals.total("address"), 3);
});

Deno.test("Gate leaves this machine and trusted proxies out of what one address may do", () => {
  const { gate } = gates({ maxPerAddress: 1, maxHandshakes: 1, trustedProxies: ["192.0.2.0/30"] });
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ME, ""]) {
    for (let n = 0; n < 5; n++) {
      assertEquals([gate.enter(address), gate.handshake(address)], [undefined, undefined], address);
    }
  }
});

Deno.test("Gate counts handshakes of an address by the second", () => {
  const scene = gates({ maxHandshakes: 2 }, 2);
  const [one, two] = scene.all as [Gate, Gate];
  assertEquals([one.handshake(ME), two.handshake(ME)], [undefined, undefined]);
  const refused = one.handshake(ME);
  assertEquals([refused?.status, refused?.retryAfterS], [429, 1]);
  assertEquals(two.handshake(OTHER), undefined);
  scene.nowS++;
  assertEquals([two.handshake(ME), one.handshake(ME), one.handshake(ME)?.status], [
    undefined,
    undefined,
    429,
  ]);
});

Deno.test("Gate forgets the handshakes of a thread that has had none since", () => {
  const scene = gates({ maxHandshakes: 2 }, 2);
  const [one, two] = scene.all as [Gate, Gate];
  assertEquals([two.handshake(ME), two.handshake(ME)], [undefined, undefined]);
  assertEquals(one.handshake(ME)?.status, 429);
  scene.nowS += 60;
  assertEquals([one.handshake(ME), one.handshake(ME)], [undefined, undefined]);
});

Deno.test("Gate counts nobody out whom it has forgotten", () => {
  const { gate, visits } = gates({ maxConnections: 2, maxPerAddress: 1 });
  assertEquals(gate.enter(ME), undefined);
  clearVisits(visits, 0);
  gate.leave(ME);
  assertEquals([gate.enter(ME), gate.enter(ME)?.status], [undefined, 429]);
});

Deno.test("Networks find who asks behind proxies that are trusted, and believe nobody else", () => {
  const proxies = new Networks(["10.0.0.0/8", "fd00::/8", "192.0.2.9"]);
  for (
    const [address, forwarded, client] of [
      ["198.51.100.1", "203.0.113.1", "198.51.100.1"],
      ["10.1.2.3", null, "10.1.2.3"],
      ["10.1.2.3", "203.0.113.1", "203.0.113.1"],
      ["::ffff:10.1.2.3", "203.0.113.1", "203.0.113.1"],
      ["10.1.2.3", "203.0.113.7, 203.0.113.1, 192.0.2.9", "203.0.113.1"],
      ["10.1.2.3", "203.0.113.1, nonsense", "10.1.2.3"],
      ["10.1.2.3", "[2001:db8::1]:4711", "2001:db8::1"],
      ["10.1.2.3", "203.0.113.1:4711", "203.0.113.1"],
      ["fd00::1", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
      ["10.1.2.3", "203.0.113.1, ".repeat(500) + "203.0.113.2", "203.0.113.2"],
    ] as const
  ) assertEquals(proxies.clientOf(address, forwarded), client, `${address} ${forwarded}`);
});

Deno.test("siteOf and isLoopbackAddress read addresses in every form", () => {
  assertEquals(siteOf("2001:DB8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(siteOf("fe80::1%eth0"), "fe80::/64");
  assertEquals(siteOf("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(siteOf("no address"), "no address");
  assertEquals(["127.1.2.3", "::1", "::ffff:127.0.0.1"].map(isLoopbackAddress), [true, true, true]);
  assertEquals(["10.0.0.1", "::2", "x", ""].map(isLoopbackAddress), [false, false, false, false]);
});
