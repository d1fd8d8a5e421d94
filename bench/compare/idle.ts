/**
 * What a viewer costs to which nothing is sent.
 *
 * @module
 */
import { openRaw } from "../raw_viewer.ts";
import type { BenchRelay } from "../relay.ts";
import type { Figures } from "./figures.ts";
import { memoryOf } from "./usage_record.ts";

/** Handshakes at the same time. */
const BATCH = 100;
/** Until memory that is only used on the way is free again, in milliseconds. */
const SETTLE_MS = 2000;
/** Open files beside the viewers' in the relay and in this process. */
const OTHER_FILES = 100;

/** Opens viewers, and tells the memory that is resident before and after. */
export async function measureIdle(
  relay: BenchRelay,
  { viewers, hasProtocol }: { readonly viewers: number; readonly hasProtocol: boolean },
): Promise<Figures> {
  const limit = await openFilesLimit();
  if (limit < viewers + OTHER_FILES) {
    throw new Error(`${viewers} viewers need more open files than the ${limit} of "ulimit -n"`);
  }
  const connections: Deno.Conn[] = [];
  const reading: Promise<void>[] = [];
  const open = async () => {
    const connection = await openRaw(relay.http, hasProtocol);
    connections.push(connection);
    const answer = new Uint8Array(12);
    await connection.read(answer);
    if (new TextDecoder().decode(answer) !== "HTTP/1.1 101") {
      throw new Error(`the relay refused viewer ${connections.length}`);
    }
    reading.push(drain(connection));
  };
  try {
    await pause(SETTLE_MS);
    const beforeBytes = await memoryOf(relay.pid, "VmRSS");
    for (let opened = 0; opened < viewers; opened += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, viewers - opened) }, open));
    }
    await pause(SETTLE_MS);
    const afterBytes = await memoryOf(relay.pid, "VmRSS");
    return { beforeBytes, afterBytes, bytesPerViewer: (afterBytes - beforeBytes) / viewers };
  } finally {
    for (const connection of connections) connection.close();
    await Promise.all(reading);
  }
}

const unread = new Uint8Array(1 << 16);

async function drain(connection: Deno.Conn): Promise<void> {
  try {
    while (await connection.read(unread) !== null);
  } catch {
    // Closed here, when all has been measured.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function openFilesLimit(): Promise<number> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}
