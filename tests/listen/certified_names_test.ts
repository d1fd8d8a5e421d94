// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { certifiedNames, type Reachable, uncertified } from "../../src/listen/certified_names.ts";

const MACHINE: Reachable = {
  machineNames: ["box", "box.local"],
  machineAddresses: ["127.0.0.1", "192.0.2.7", "::1", "2001:DB8::7", "fe80::1"],
  host: "127.0.0.1",
  hostNames: [],
};
const OWN = ["box", "box.local", "localhost", "127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"];

Deno.test("a certificate is for the machine's names, its addresses, and nothing twice", () => {
  assertEquals(certifiedNames(MACHINE), { all: OWN, extra: [] });
  for (const host of ["0.0.0.0", "::", "localhost", "192.0.2.7", "2001:db8:0::7", "fe80::1%eth0"]) {
    assertEquals(certifiedNames({ ...MACHINE, host }), { all: OWN, extra: [] }, host);
  }
});

Deno.test("a certificate is for what else a relay is called, but for what stands for many", () => {
  const { all, extra } = certifiedNames({
    ...MACHINE,
    host: "Relay.lan",
    hostNames: ["*", "cams.example.org.", "box.local", "no name", "198.51.100.3"],
  });
  assertEquals(extra, ["relay.lan", "cams.example.org", "198.51.100.3"]);
  assertEquals(all, ["box", ...extra, ...OWN.slice(1)]);
});

Deno.test("a certificate of a machine without a name and with many addresses is for 100", () => {
  const machineAddresses = Array.from({ length: 500 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
  const { all } = certifiedNames({ ...MACHINE, machineNames: [], machineAddresses });
  assertEquals([all.length, all[0], all[99]], [100, "localhost", "10.0.0.96"]);
});

Deno.test("one IPv6 address in a network is enough: others change every day", () => {
  const has = (...names: string[]) => (name: string) => names.includes(name);
  const addresses = ["192.0.2.7", "2001:db8::7", "2001:db8::aaaa", "2001:db8:0:1::7"];
  const names = { all: ["box", ...addresses], extra: [] };
  assertEquals(uncertified(names, has(...names.all)), undefined);
  const stays = has("box", "192.0.2.7", "2001:db8::7", "2001:db8:0:1::7");
  assertEquals(uncertified(names, stays), undefined);
  assertEquals(uncertified(names, has("box", "192.0.2.7", "2001:db8::7")), "2001:db8:0:1::7");
  assertEquals(uncertified(names, has("192.0.2.7")), "box");
  assertEquals(uncertified(names, has("box")), "192.0.2.7");
  assertEquals(uncertified({ ...names, extra: ["2001:db8::aaaa"] }, stays), "2001:db8::aaaa");
});
