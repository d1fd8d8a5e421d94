/**
 * Motion JPEG of any size, and the ways on which it comes to a server.
 *
 * @module
 */
import { publish } from "../clients.ts";
import { emptyWithHeadroom } from "../../src/bytes/headroom.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { Tick } from "../../src/core/tick.ts";
import { systemClock } from "../../src/host/clock.ts";
import { encodeJpeg } from "../../src/picture/jpeg.ts";
import { DEFAULT_PATTERN_SIZE, TestPattern } from "../../src/picture/test_pattern.ts";

/** Most bytes of a comment, with its length but without its marker (ITU-T T.81 section B.2.4.5). */
const MAX_COMMENT_BYTES = 65_535;

/** What frames there are. */
export interface JpegFrames {
  readonly bytes: number;
  readonly fps: number;
}

/** A picture that comments make `bytes` long. */
export function jpegOf(bytes: number): Uint8Array<ArrayBuffer> {
  const pattern = new TestPattern(DEFAULT_PATTERN_SIZE);
  const data = pattern.render({ frame: 0, wallMs: 0 });
  const { width, height } = pattern;
  const small = encodeJpeg({ data, channels: 3, width, height });
  const jpeg = emptyWithHeadroom(bytes).fill(0x55);
  let at = 2;
  let left = bytes - small.length;
  if (left < 4) throw new Error(`Cannot make a picture of ${bytes} bytes: it is too small`);
  jpeg.set(small.subarray(0, at));
  while (left > 0) {
    // A comment has four bytes at least.
    const most = Math.min(left, MAX_COMMENT_BYTES + 2);
    const taken = left - most > 0 && left - most < 4 ? most - 4 : most;
    jpeg.set([0xff, 0xfe, (taken - 2) >> 8, (taken - 2) & 0xff], at);
    at += taken;
    left -= taken;
  }
  jpeg.set(small.subarray(2), at);
  return jpeg;
}

async function* paced({ bytes, fps }: JpegFrames, signal: AbortSignal) {
  const jpeg = jpegOf(bytes);
  const tick = new Tick(fps, systemClock.nowMs());
  while (!signal.aborted) {
    while (tick.fire(systemClock.nowMs()) === undefined) {
      const waitMs = Math.max(0, tick.deadlineMs - systemClock.nowMs());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    const data = emptyWithHeadroom(bytes);
    data.set(jpeg);
    yield data;
  }
}

/** Publishes frames to a relay of this program's protocol until `signal`. */
export async function publishJpeg(
  url: string,
  frames: JpegFrames,
  signal: AbortSignal,
): Promise<void> {
  const { width, height } = DEFAULT_PATTERN_SIZE;
  const config = bareConfig("mjpeg", { width, height });
  const source = paced(frames, signal);
  await publish(url, {
    async next() {
      const { value, done } = await source.next();
      return done ? undefined : { data: value!, kind: "key", ptsUs: null, config };
    },
    stop() {},
  });
}

/** Serves frames as motion JPEG, for servers that fetch them, until `signal`. */
export async function serveJpeg(
  port: number,
  frames: JpegFrames,
  signal: AbortSignal,
): Promise<void> {
  const encoder = new TextEncoder();
  const server = Deno.serve({ hostname: "127.0.0.1", port, signal, onListen: () => {} }, () => {
    const source = paced(frames, signal);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const { value, done } = await source.next();
        if (done) return controller.close();
        controller.enqueue(encoder.encode(
          `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${value!.length}\r\n\r\n`,
        ));
        controller.enqueue(value!);
        controller.enqueue(encoder.encode("\r\n"));
      },
    }, { highWaterMark: 0 });
    return new Response(body, {
      headers: { "content-type": "multipart/x-mixed-replace; boundary=frame" },
    });
  });
  await server.finished;
}
