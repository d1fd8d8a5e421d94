/**
 * What the figures were measured on and with.
 *
 * @module
 */
import { programLine } from "../relay.ts";
import { BUN } from "./contender.ts";

/** Facts by their name. */
export async function machineFacts(): Promise<Record<string, string>> {
  const cpu = await textOf("/proc/cpuinfo");
  const memory = await textOf("/proc/meminfo");
  const manifest = (peer: string) => textOf(new URL(`../peers/${peer}`, import.meta.url));
  const gigabytes = Number(/^MemTotal:\s+(\d+)/m.exec(memory)?.[1] ?? 0) * 1024 / 1e9;
  return {
    CPU: `${/^model name\s*: (.+)$/m.exec(cpu)?.[1] ?? "unknown"}, ` +
      `${navigator.hardwareConcurrency} cores, ${gigabytes.toFixed(0)} GB`,
    kernel: `${Deno.build.os} ${Deno.osRelease()}`,
    stream: `${await said([...programLine(), "--version"])}, ` +
      (programLine().length === 1 ? "compiled" : "from the sources"),
    Deno: Deno.version.deno,
    Node: await said(["node", "--version"]),
    ws: /"ws": "(.+)"/.exec(await manifest("node_ws/package.json"))?.[1] ?? "unknown",
    Bun: await said([BUN.line[0]!, "--version"]),
    Rust: await said(["rustc", "--version"]),
    "tokio-tungstenite": /^tokio-tungstenite = "=(.+)"$/m.exec(await manifest("rust/Cargo.toml"))
      ?.[1] ?? "unknown",
    gcc: await said(["gcc", "--version"]),
  };
}

async function textOf(file: string | URL): Promise<string> {
  return await Deno.readTextFile(file).catch(() => "");
}

/** The first line that a program writes. */
async function said([command, ...args]: readonly string[]): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(command!, { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout).split("\n")[0]!.trim();
  } catch {
    // Not found, or not to be run.
    return "not installed";
  }
}
