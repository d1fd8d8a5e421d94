/**
 * A TCP proxy that makes the way long: `deno run --allow-net delay_proxy.ts HOST:PORT MILLISECONDS`
 * prints `listening on http://…` and delays each direction of every connection by so much.
 *
 * @module
 */
import { DelayLine } from "./delay_line.ts";

/** Most bytes of one direction of a connection that are under way. */
const MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 65_536;

/** Options of {@linkcode startDelayProxy}. */
export interface DelayProxyOptions {
  /** Where connections go. */
  readonly to: { readonly hostname: string; readonly port: number };
  /** How long each direction takes, in milliseconds. */
  readonly delayMs: number;
}

/** A proxy that runs. */
export interface DelayProxy extends AsyncDisposable {
  readonly port: number;
}

/** Starts a proxy on a free port of this host. */
export function startDelayProxy(options: DelayProxyOptions): DelayProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const carried = new Set<Promise<void>>();
  const carry = async (near: Deno.Conn) => {
    open.add(near);
    const far = await Deno.connect(options.to);
    open.add(far);
    // Nothing is to wait here for an acknowledgement of what went before (RFC 9293 section 3.7.4).
    for (const end of [near, far]) (end as Deno.TcpConn).setNoDelay();
    await Promise.all([carryOneWay(near, far, options), carryOneWay(far, near, options)]);
    for (const end of [near, far]) {
      open.delete(end);
      close(end);
    }
  };
  const accepting = (async () => {
    for await (const near of listener) {
      const done = carry(near).catch(() => close(near)).finally(() => carried.delete(done));
      carried.add(done);
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      for (const end of open) close(end);
      await Promise.all(carried);
    },
  };
}

/** Carries what `from` sends until it ends, and its end. */
async function carryOneWay(
  from: Deno.Conn,
  to: Deno.Conn,
  { delayMs }: DelayProxyOptions,
): Promise<void> {
  const line = new DelayLine({ delayMs, maxBytes: MAX_BYTES });
  let isOver = false;
  let wake = () => {};
  const woken = () => new Promise<void>((resolve) => wake = resolve);
  const read = async () => {
    try {
      for (;;) {
        while (!line.hasRoom) await woken();
        const chunk = new Uint8Array(CHUNK_BYTES);
        const length = await from.read(chunk);
        if (length === null || isOver) break;
        line.push(chunk.subarray(0, length), performance.now());
        wake();
      }
    } catch {
      // A connection that breaks has ended.
    }
    isOver = true;
    wake();
  };
  const reading = read();
  try {
    for (;;) {
      const dueMs = line.deadlineMs();
      if (dueMs === undefined) {
        if (isOver) break;
        await woken();
        continue;
      }
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      for (let bytes; (bytes = line.pop(performance.now())) !== undefined;) {
        await writeAll(to, bytes);
      }
      wake();
    }
    await (to as Deno.TcpConn).closeWrite();
  } catch {
    // Nobody takes the rest: the other direction ends as well.
    isOver = true;
    wake();
    close(from);
  }
  await reading;
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

if (import.meta.main) {
  const [address = "", delay = "100"] = Deno.args;
  const [hostname, port] = address.split(":");
  const to = { hostname: hostname!, port: Number(port) };
  const proxy = startDelayProxy({ to, delayMs: Number(delay) });
  // deno-lint-ignore no-console
  console.error(`listening on http://127.0.0.1:${proxy.port} `);
}
