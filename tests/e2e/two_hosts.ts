/**
 * Two hosts on one machine, joined by a link: network namespaces (Linux, as root, with iproute2).
 *
 * @module
 */

/** The two hosts. */
export interface TwoHosts extends AsyncDisposable {
  /** What stands before a command that runs on the near host. */
  readonly near: readonly string[];
  /** What stands before a command that runs on the far host. */
  readonly far: readonly string[];
}

/** What the hosts are made with. */
export interface TwoHostsOptions {
  /** Tells them from those of other tests that run at the same time. */
  readonly name: string;
  /** Addresses of the near host, each with the length of its prefix. */
  readonly near: readonly string[];
  /** Those of the far host. */
  readonly far: readonly string[];
  /** Addresses of the near host, to which the far one goes out from a certain one of its own. */
  readonly from?: Readonly<Record<string, string>>;
  /** What the near host's end of the link is shaped by, as `tc` has it. Absent: nothing. */
  readonly shape?: readonly string[];
}

/** Why there are no such hosts here, or `undefined` where there are. */
export const NO_TWO_HOSTS: string | undefined = await reasonAgainst();

/** Makes the two hosts. */
export async function makeTwoHosts(options: TwoHostsOptions): Promise<TwoHosts> {
  const [near, far] = ["near", "far"].map((end) => `stream-${options.name}-${end}-${Deno.pid}`) as [
    string,
    string,
  ];
  const remove = async () => {
    for (const name of [near, far]) await succeeds("ip", "netns", "del", name);
  };
  try {
    for (const name of [near, far]) await run("ip", "netns", "add", name);
    const peer = ["type", "veth", "peer", "name", "v1", "netns", far];
    await run("ip", "link", "add", "v0", "netns", near, ...peer);
    for (
      const [name, device, addresses] of [[near, "v0", options.near], [
        far,
        "v1",
        options.far,
      ]] as const
    ) {
      for (const address of addresses) {
        // Nobody else is there who could have it (RFC 4862 section 5.4).
        const flags = address.includes(":") ? ["nodad"] : [];
        await run("ip", "-n", name, "address", "add", address, "dev", device, ...flags);
      }
      for (const each of [device, "lo"]) await run("ip", "-n", name, "link", "set", each, "up");
    }
    for (const [to, from] of Object.entries(options.from ?? {})) {
      await run("ip", "-n", far, "route", "add", to, "dev", "v1", "src", from);
    }
    if (options.shape !== undefined) {
      await run("tc", "-n", near, "qdisc", "add", "dev", "v0", "root", ...options.shape);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    near: ["ip", "netns", "exec", near],
    far: ["ip", "netns", "exec", far],
    [Symbol.asyncDispose]: remove,
  };
}

async function reasonAgainst(): Promise<string | undefined> {
  for (const tool of ["ip", "tc"]) {
    if (!await succeeds(tool, "-V")) return `${tool} (iproute2) is not installed`;
  }
  const name = `stream-try-${crypto.randomUUID()}`;
  if (!await succeeds("ip", "netns", "add", name)) return "network namespaces are not permitted";
  await succeeds("ip", "netns", "del", name);
  return undefined;
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
