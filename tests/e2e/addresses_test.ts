/** Limits for each address, with addresses of a network. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { needs } from "../ffmpeg.ts";
import { program, ROOT, start, startRelay } from "../program.ts";
import { eventually } from "../waiting.ts";
import { makeTwoHosts, NO_TWO_HOSTS } from "./two_hosts.ts";

const CLIENT = [
  ...[Deno.execPath(), "run", "--quiet", "--no-check", "--allow-net"],
  `${ROOT}tests/e2e/handshakes.ts`,
];

/** The near host's addresses, and from which of its own the far one goes there. */
const FROM = {
  "10.77.1.1": "10.77.1.2",
  "10.77.1.11": "10.77.1.12",
  "fd77:0:0:1::1": "fd77:0:0:1::2",
  "fd77:0:0:1::11": "fd77:0:0:1::12",
  "fd77:0:0:2::1": "fd77:0:0:2::2",
};

function bits(address: string): string {
  return `${address}/${address.includes(":") ? 64 : 24}`;
}

Deno.test({
  ...needs(
    NO_TWO_HOSTS,
    "serve counts connections by IPv4 address and by /64 of IPv6, and not this machine's",
  ),
  async fn() {
    await using hosts = await makeTwoHosts({
      name: "addresses",
      near: Object.keys(FROM).map(bits),
      far: Object.values(FROM).map(bits),
      from: FROM,
    });
    const limits = ["--max-per-address", "3", "--max-handshakes", "1000"];
    const near = { program: [...hosts.near, ...program()] };
    await using relay = await startRelay(["--host", "::", "--open", ...limits], near);
    const port = relay.http.split(":").at(-1);
    /** The answers to a client at one of the hosts, which then goes. */
    const statuses = async (host: readonly string[], ...counts: string[]) => {
      const args = counts.map((each) => each.replace("=", `:${port}=`));
      await using client = start(args, { program: [...host, ...CLIENT], stdin: "piped" });
      const [, told] = await client.said(/^(\{.*\})$/m);
      await client.endInput();
      assertEquals((await client.outcome).code, 0);
      return JSON.parse(told!);
    };
    const low = ["10.77.1.1=4", "10.77.1.11=1"];
    const high = ["[fd77:0:0:1::1]=2", "[fd77:0:0:1::11]=2", "[fd77:0:0:2::1]=1"];
    const expected = {
      "10.77.1.1": [101, 101, 101, 429],
      "10.77.1.11": [101],
      "[fd77:0:0:1::1]": [101, 101],
      "[fd77:0:0:1::11]": [101, 429],
      "[fd77:0:0:2::1]": [101],
    };
    assertEquals(await statuses(hosts.far, ...low, ...high), expected);
    // Who has gone is not counted any more.
    await eventually("room for as many again", async () => {
      const again = await statuses(hosts.far, ...low, ...high);
      return JSON.stringify(again) === JSON.stringify(expected);
    });
    const six = Array(6).fill(101);
    const own = await statuses(hosts.near, "127.0.0.1=6", "[::1]=6");
    assertEquals(own, { "127.0.0.1": six, "[::1]": six });
    // Once a second, with a count, and the last one by name.
    await relay.process.said(
      /refused a connection of fd77:0:0:1::\/64: it has 3 \(--max-per-address/,
    );
  },
});
