/**
 * Two hosts on one machine, joined by a link that is slow in one direction: network namespaces
 * (Linux, as root, with iproute2).
 *
 * @module
 */

/** A link's two ends. */
export interface SlowLink extends AsyncDisposable {
  /** Address of the near host, on which the relay runs. */
  readonly nearAddress: string;
  /** What stands before a command that runs on the near host. */
  readonly near: readonly string[];
  /** What stands before a command that runs on the far host. */
  readonly far: readonly string[];
}

/** Why there is no slow link here, or `undefined` where there is one. */
export const NO_SLOW_LINK: string | undefined = await reasonAgainst();

/** Makes the two hosts; what the near one sends passes a token bucket of `rate` (as tc has it). */
export async function makeSlowLink(rate: string): Promise<SlowLink> {
  const [near, far] = ["near", "far"].map((end) => `stream-${end}-${Deno.pid}`) as [string, string];
  const nearAddress = "10.77.0.1";
  const remove = async () => {
    for (const name of [near, far]) await succeeds("ip", "netns", "del", name);
  };
  try {
    for (const name of [near, far]) await ip("netns", "add", name);
    await ip(
      "link",
      "add",
      "v0",
      "netns",
      near,
      "type",
      "veth",
      "peer",
      "name",
      "v1",
      "netns",
      far,
    );
    await ip("-n", near, "address", "add", `${nearAddress}/24`, "dev", "v0");
    await ip("-n", far, "address", "add", "10.77.0.2/24", "dev", "v1");
    for (const [name, device] of [[near, "v0"], [near, "lo"], [far, "v1"], [far, "lo"]] as const) {
      await ip("-n", name, "link", "set", device, "up");
    }
    const bucket = ["tbf", "rate", rate, "burst", "64kb", "latency", "100ms"];
    await run("tc", "-n", near, "qdisc", "add", "dev", "v0", "root", ...bucket);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    nearAddress,
    near: ["ip", "netns", "exec", near],
    far: ["ip", "netns", "exec", far],
    [Symbol.asyncDispose]: remove,
  };
}

async function reasonAgainst(): Promise<string | undefined> {
  for (const tool of ["ip", "tc"]) {
    if (!await succeeds(tool, "-V")) return `${tool} (iproute2) is not installed`;
  }
  const name = `stream-try-${Deno.pid}`;
  if (!await succeeds("ip", "netns", "add", name)) return "network namespaces are not permitted";
  await succeeds("ip", "netns", "del", name);
  return undefined;
}

async function ip(...args: string[]): Promise<void> {
  await run("ip", ...args);
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  }
}

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  try {
    await run(command, ...args);
    return true;
  } catch {
    // Not there, or not permitted.
    return false;
  }
}
