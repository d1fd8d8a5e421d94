import { assertEquals } from "@std/assert";
import { missingOf, PEER_CONTENDERS, us } from "../../bench/compare/contender.ts";
import { openRaw } from "../../bench/raw_viewer.ts";
import { start } from "../program.ts";

/** Frames beyond what the system's buffers and two frames hold for a viewer that does not read. */
const FRAMES = 60;
const FRAME_BYTES = 1_000_000;
/** After so long, a connection has nothing more to read. */
const SILENT_MS = 500;

/** A WebSocket that collects what comes. */
async function open(url: string): Promise<{ socket: WebSocket; next(): Promise<Uint8Array> }> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const { readable, writable } = new TransformStream<Uint8Array>({}, undefined, {
    highWaterMark: Infinity,
  });
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  socket.onmessage = ({ data }) => void writer.write(new Uint8Array(data));
  const opened = Promise.withResolvers<void>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error(`Cannot connect to ${url}`));
  socket.onclose = () => void writer.close();
  await opened.promise;
  return { socket, next: async () => (await reader.read()).value! };
}

async function close(socket: WebSocket): Promise<void> {
  const closed = Promise.withResolvers<void>();
  socket.addEventListener("close", () => closed.resolve());
  socket.close();
  await closed.promise;
}

/** Bytes that are there to read, or come when some have been; the connection is closed then. */
async function keptFor(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(1 << 18);
  const silent = setTimeout(() => connection.close(), SILENT_MS);
  for (let bytes = 0;;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) {
      clearTimeout(silent);
      return bytes;
    }
    bytes += read;
  }
}

/** A frame of its own for each number, of bytes of all values. */
function frameOf(number: number, bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, at) => at * 7 + number + (at >> 8));
}

for (const contender of [us(1), ...PEER_CONTENDERS]) {
  const missing = await missingOf(contender);
  const name = `${contender.name} relays byte for byte, and skips a viewer that does not read`;
  Deno.test({
    name: missing === undefined ? name : `${name} (skipped: ${missing})`,
    ignore: missing !== undefined,
  }, async () => {
    await using relay = start([], { program: contender.line });
    const http = (await relay.said(/listening on (\S+)\s/))[1]!;
    const url = `${http.replace("http:", "ws:")}/live`;
    const viewers = [await open(`${url}?role=watch`), await open(`${url}?role=watch`)];
    const stuck = await openRaw(http, false);
    const publisher = await open(`${url}?role=publish`);
    for (const bytes of [1, 125, 126, 65_535, 65_536, 100_000]) {
      const frame = frameOf(bytes, bytes);
      publisher.socket.send(frame);
      for (const viewer of viewers) assertEquals(await viewer.next(), frame);
    }
    const frame = frameOf(0, FRAME_BYTES);
    for (let count = 0; count < FRAMES; count++) {
      frame[0] = count;
      publisher.socket.send(frame);
      for (const viewer of viewers) assertEquals((await viewer.next())[0], count);
    }
    for (const { socket } of [publisher, ...viewers]) await close(socket);
    assertEquals(await keptFor(stuck) < FRAMES * FRAME_BYTES / 2, true);
  });
}
