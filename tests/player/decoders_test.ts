/** What is decoded, what is skipped, and that every picture is closed, with a browser's parts faked. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { StreamConfig } from "../../src/core/frame.ts";
import type { ReceivedFrame } from "../../src/player/connection.ts";
import { KeyFrameDecoder } from "../../src/player/key_frames.ts";
import { mediaSourceType } from "../../src/player/media_source.ts";
import {
  createPictureDecoder,
  type DecoderEvents,
  type Picture,
} from "../../src/player/pictures.ts";
import { Screen } from "../../src/player/screen.ts";
import { CodedDecoder } from "../../src/player/video.ts";
import { eventually, soon } from "../waiting.ts";

const CONFIG: StreamConfig = {
  ...{ type: "config", epoch: 1, format: "h264", codec: "avc1.42E01E", width: 640, height: 360 },
  ...{ pixelFormat: null, frameRate: null, header: null, session: null, offset: 0 },
};

function frame(sequence: number, flags: { key?: boolean; catchUp?: boolean } = {}): ReceivedFrame {
  return {
    header: {
      ...{ key: false, configuration: false, discontinuity: false, catchUp: false, leading: false },
      ...{ held: false, epoch: 1, sequence, ptsUs: sequence * 40_000, captureUs: 0, ...flags },
    },
    data: Uint8Array.of(sequence),
    receivedUs: 0,
    isNew: true,
  };
}

const KEY = { key: true };
const CATCH_UP = { catchUp: true };

/** What a decoder told, as short words, and the pictures that it gave. */
class Told implements DecoderEvents {
  readonly words: string[] = [];
  readonly pictures: Picture[] = [];
  #wake = Promise.withResolvers<void>();

  readonly onPicture = (picture: Picture) => {
    this.pictures.push(picture);
    this.#note(`picture ${picture.frame.header.sequence}`);
  };
  readonly onSkipped = (frames: number) => this.#note(`skipped ${frames}`);
  readonly onDamaged = () => this.#note("damaged");
  readonly onUnsupported = (sentence: string) => this.#note(sentence);
  readonly onWaitingForKey = (isWaiting: boolean) => this.#note(isWaiting ? "waits" : "goes on");
  readonly onLeftBehind = () => this.#note("left behind");
  readonly framesPerSecond = () => 30;

  /** Waits until so much has been told. */
  async until(count: number): Promise<void> {
    while (this.words.length < count) {
      await soon(`word ${count}, after ${this.words.join("; ")}`, this.#wake.promise);
      this.#wake = Promise.withResolvers<void>();
    }
  }

  #note(word: string): void {
    this.words.push(word);
    this.#wake.resolve();
  }
}

/** Something of which it is counted how many are open. */
class Closable {
  static open = 0;
  isClosed = false;
  constructor() {
    Closable.open++;
  }
  close(): void {
    assert(!this.isClosed, "closed twice");
    this.isClosed = true;
    Closable.open--;
  }
}

class FakeVideoFrame extends Closable {
  readonly displayWidth = 640;
  readonly displayHeight = 360;
  constructor(readonly timestamp: number) {
    super();
  }
}

/** A decoder that gives out pictures when its test says so. */
class FakeVideoDecoder {
  static last: FakeVideoDecoder | undefined;
  static isSupported = true;
  static async isConfigSupported(): Promise<{ supported: boolean }> {
    return await Promise.resolve({ supported: FakeVideoDecoder.isSupported });
  }

  state = "unconfigured";
  decodeQueueSize = 0;
  readonly calls: string[] = [];
  readonly #init: { output: (frame: FakeVideoFrame) => void; error: (error: Error) => void };

  constructor(init: FakeVideoDecoder["init"]) {
    this.#init = init;
    FakeVideoDecoder.last = this;
  }

  get init() {
    return this.#init;
  }

  configure(config: { codec: string }): void {
    this.state = "configured";
    this.calls.push(`configure ${config.codec}`);
  }

  reset(): void {
    this.state = "unconfigured";
    this.decodeQueueSize = 0;
    this.calls.push("reset");
  }

  decode({ type, timestamp }: { type: string; timestamp: number }): void {
    this.calls.push(`${type} ${timestamp / 40_000}`);
  }

  async flush(): Promise<void> {
    this.calls.push("flush");
    await Promise.resolve();
  }

  close(): void {
    this.state = "closed";
  }

  /** Gives out the pictures of these frames. */
  output(...sequences: number[]): void {
    for (const sequence of sequences) this.#init.output(new FakeVideoFrame(sequence * 40_000));
  }
}

/** The browser's parts, in place of those that Deno does not have. */
function browser(parts: Record<string, unknown>): Disposable {
  const target = globalThis as unknown as Record<string, unknown>;
  const before = Object.keys(parts).map((
    name,
  ) => [name, Object.hasOwn(target, name), target[name]]);
  Closable.open = 0;
  Object.assign(target, parts);
  return {
    [Symbol.dispose]() {
      for (const [name, wasThere, value] of before as [string, boolean, unknown][]) {
        if (wasThere) target[name] = value;
        else delete target[name];
      }
    },
  };
}

/** `performance.now()` as its test moves it. */
class HeldTime implements Disposable {
  nowMs = 1000;
  readonly #now = performance.now;

  constructor() {
    performance.now = () => this.nowMs;
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
  }
}

function webCodecs(): Disposable {
  FakeVideoDecoder.last = undefined;
  FakeVideoDecoder.isSupported = true;
  class EncodedVideoChunk {
    constructor(init: object) {
      Object.assign(this, init);
    }
  }
  return browser({ VideoDecoder: FakeVideoDecoder, EncodedVideoChunk });
}

/** A decoder that has begun with a key frame. */
async function begun(told: Told): Promise<[CodedDecoder, FakeVideoDecoder]> {
  const decoder = new CodedDecoder(CONFIG, told);
  decoder.push(frame(1, KEY));
  // The browser has been asked whether it can.
  return [decoder, await eventually("a decoder", () => FakeVideoDecoder.last)];
}

Deno.test("CodedDecoder begins with a key frame, and keeps what comes before it can begin", async () => {
  using _ = webCodecs();
  const told = new Told();
  const decoder = new CodedDecoder(CONFIG, told);
  for (const early of [frame(1), frame(2, KEY), frame(3), frame(4, KEY), frame(5)]) {
    decoder.push(early);
  }
  const fake = await eventually("a decoder", () => FakeVideoDecoder.last);
  assertEquals(fake.calls, ["reset", "configure avc1.42E01E", "key 4", "delta 5"]);
  fake.output(4, 5);
  assertEquals(told.words, ["picture 4", "picture 5"]);
  for (const picture of told.pictures) picture.close();
  decoder.close();
  assertEquals([Closable.open, fake.state], [0, "closed"]);
});

Deno.test("CodedDecoder keeps a bounded part of what comes early, and asks for the rest again", async () => {
  const frames = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, n) => ({
      ...frame(n + 1, n === 0 ? KEY : {}),
      data: new Uint8Array(bytes),
    }));
  const MIB = 1024 * 1024;
  for (
    const { early, isKept } of [
      { early: frames(600, 1), isKept: true },
      { early: frames(601, 1), isKept: false },
      { early: frames(4, 8 * MIB), isKept: true },
      { early: [...frames(4, 8 * MIB), frame(5)], isKept: false },
      { early: [...frames(5, 8 * MIB), frame(6), frame(7, KEY)], isKept: true },
    ]
  ) {
    using _ = webCodecs();
    const told = new Told();
    const decoder = new CodedDecoder(CONFIG, told);
    for (const each of early) decoder.push(each);
    if (isKept) {
      const fake = await eventually("a decoder", () => FakeVideoDecoder.last);
      assertEquals(fake.calls.at(-1)?.split(" ")[1], String(early.at(-1)!.header.sequence));
      assertEquals(told.words, []);
    } else {
      await told.until(1);
      assertEquals([told.words, FakeVideoDecoder.last], [["left behind"], undefined]);
      // Nobody can decode that, and then all that it needs is there.
      decoder.push(frame(602));
      decoder.push(frame(1, { ...KEY, ...CATCH_UP }));
      assertEquals((FakeVideoDecoder.last as FakeVideoDecoder | undefined)?.calls.at(-1), "key 1");
    }
    decoder.close();
  }
});

Deno.test("CodedDecoder goes on over key frames without a break", async () => {
  using _ = webCodecs();
  const [decoder, fake] = await begun(new Told());
  for (const next of [frame(2), frame(3, KEY), frame(4)]) decoder.push(next);
  assertEquals(fake.calls.slice(2), ["key 1", "delta 2", "key 3", "delta 4"]);
  decoder.close();
});

Deno.test("CodedDecoder that is behind for a while goes on with the next key frame", async () => {
  using time = new HeldTime();
  using _ = webCodecs();
  const told = new Told();
  const [decoder, fake] = await begun(told);
  fake.decodeQueueSize = 9;
  decoder.push(frame(2));
  time.nowMs += 290;
  decoder.push(frame(3));
  assertEquals(told.words, []);
  time.nowMs += 20;
  decoder.push(frame(4));
  decoder.push(frame(5));
  assertEquals(told.words, ["skipped 3", "waits", "left behind", "skipped 1", "skipped 1"]);
  decoder.push(frame(6, KEY));
  assertEquals(fake.calls.slice(-3), ["reset", "configure avc1.42E01E", "key 6"]);
  assertEquals(told.words.at(-1), "goes on");
  decoder.close();
});

Deno.test("CodedDecoder that is behind takes a key frame that comes as the way out", async () => {
  using time = new HeldTime();
  using _ = webCodecs();
  const told = new Told();
  const [decoder, fake] = await begun(told);
  fake.decodeQueueSize = 9;
  decoder.push(frame(2));
  time.nowMs += 400;
  decoder.push(frame(3, KEY));
  assertEquals(fake.calls.slice(-3), ["reset", "configure avc1.42E01E", "key 3"]);
  assertEquals(told.words, ["skipped 2"]);
  // A picture of what was dropped comes too late.
  fake.output(1);
  assertEquals([told.pictures.length, Closable.open], [0, 0]);
  decoder.close();
});

Deno.test("CodedDecoder shows only the last of the frames that catch up, once no more come", async () => {
  using _ = webCodecs();
  const told = new Told();
  const decoder = new CodedDecoder(CONFIG, told);
  decoder.push(frame(1, { ...KEY, ...CATCH_UP }));
  const fake = await eventually("a decoder", () => FakeVideoDecoder.last);
  fake.decodeQueueSize = 50;
  for (let sequence = 2; sequence < 40; sequence++) decoder.push(frame(sequence, CATCH_UP));
  fake.decodeQueueSize = 0;
  fake.output(1, 2, 3);
  assertEquals([told.pictures.length, Closable.open], [0, 1]);
  await told.until(1);
  assertEquals(told.words, ["picture 3"]);
  fake.output(39);
  decoder.push(frame(40));
  fake.output(40);
  assertEquals(told.words.slice(1), ["picture 40"]);
  for (const picture of told.pictures) picture.close();
  decoder.close();
  assertEquals(Closable.open, 0);
});

Deno.test("CodedDecoder that is too slow to catch up waits for a key frame, and does not come again", async () => {
  using time = new HeldTime();
  using _ = webCodecs();
  const told = new Told();
  const [decoder, fake] = await begun(told);
  fake.decodeQueueSize = 100;
  decoder.push(frame(2, CATCH_UP));
  decoder.push(frame(3));
  time.nowMs += 1900;
  decoder.push(frame(4));
  assertEquals(told.words, []);
  time.nowMs += 200;
  decoder.push(frame(5));
  assertEquals(told.words, ["skipped 4", "waits", "skipped 1"]);
  decoder.close();
});

Deno.test("CodedDecoder needs a key frame after frames that were passed over", async () => {
  using _ = webCodecs();
  const told = new Told();
  const [decoder, fake] = await begun(told);
  decoder.pass();
  decoder.push(frame(3));
  decoder.push(frame(4, KEY));
  assertEquals(told.words, ["skipped 1"]);
  assertEquals(fake.calls.at(-1), "key 4");
  decoder.close();
});

Deno.test("CodedDecoder has held back pictures given out at the end", async () => {
  using _ = webCodecs();
  const [decoder, fake] = await begun(new Told());
  decoder.end();
  assertEquals(fake.calls.at(-1), "flush");
  decoder.close();
});

Deno.test("CodedDecoder goes on at a key frame after a damaged one", async () => {
  using _ = webCodecs();
  const told = new Told();
  const [decoder, fake] = await begun(told);
  fake.state = "closed";
  fake.init.error(new Error("broken"));
  decoder.push(frame(2));
  decoder.push(frame(3, KEY));
  assertEquals(told.words, ["waits", "damaged", "skipped 1", "goes on"]);
  assert(FakeVideoDecoder.last !== fake);
  assertEquals(FakeVideoDecoder.last!.calls.at(-1), "key 3");
  decoder.close();
});

Deno.test("CodedDecoder says why it cannot decode", async () => {
  const said = async (config: Partial<StreamConfig>) => {
    const told = new Told();
    const decoder = new CodedDecoder({ ...CONFIG, ...config }, told);
    decoder.push(frame(1, KEY));
    await told.until(1);
    decoder.close();
    return told.words.join();
  };
  {
    using _ = browser({ isSecureContext: false });
    assertMatch(
      await said({}),
      /^H\.264 needs a secure page: open it over https, or .*localhost\. .*as MJPEG.*\.$/,
    );
  }
  {
    using _ = browser({ isSecureContext: true });
    assertMatch(await said({ format: "vp9" }), /cannot decode VP9: it has no WebCodecs\.$/);
  }
  {
    using _ = webCodecs();
    FakeVideoDecoder.isSupported = false;
    assertMatch(
      await said({ format: "hevc", codec: "hev1.1.6.L93.B0" }),
      /^This browser cannot decode H\.265 \(hev1\.1\.6\.L93\.B0\)\.$/,
    );
  }
});

/** Pictures that are decoded when the test says so. */
function pictureBrowser(): { asked: ((isGood: boolean) => void)[] } & Disposable {
  const asked: ((isGood: boolean) => void)[] = [];
  const parts = browser({
    createImageBitmap: () => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      asked.push((isGood) =>
        isGood
          ? resolve(Object.assign(new Closable(), { width: 4, height: 2 }))
          : reject(new Error())
      );
      return promise;
    },
  });
  return { asked, [Symbol.dispose]: () => parts[Symbol.dispose]() };
}

Deno.test("PictureDecoder decodes two at a time, and of those that wait only the newest", async () => {
  using parts = pictureBrowser();
  const told = new Told();
  const decoder = createPictureDecoder({ ...CONFIG, format: "mjpeg" }, told);
  assert(typeof decoder === "object");
  for (let sequence = 1; sequence <= 5; sequence++) decoder.push(frame(sequence, KEY));
  assertEquals([parts.asked.length, told.words], [2, ["skipped 1", "skipped 1"]]);
  parts.asked[1]!(true);
  await told.until(3);
  parts.asked[0]!(true);
  await told.until(4);
  // The first was overtaken: the second is newer.
  assertEquals(told.words.slice(2), ["picture 2", "skipped 1"]);
  parts.asked[2]!(true);
  await told.until(5);
  assertEquals(told.words.at(-1), "picture 5");
  for (const picture of told.pictures) picture.close();
  assertEquals(Closable.open, 0);
});

Deno.test("PictureDecoder goes on after a damaged picture", async () => {
  using parts = pictureBrowser();
  const told = new Told();
  const decoder = createPictureDecoder({ ...CONFIG, format: "png" }, told);
  assert(typeof decoder === "object");
  decoder.push(frame(1, KEY));
  parts.asked[0]!(false);
  await told.until(1);
  decoder.push(frame(2, KEY));
  parts.asked[1]!(true);
  await told.until(2);
  assertEquals(told.words, ["damaged", "picture 2"]);
});

Deno.test("PictureDecoder that is closed closes what it still gets", async () => {
  using parts = pictureBrowser();
  const told = new Told();
  const decoder = createPictureDecoder({ ...CONFIG, format: "png" }, told);
  assert(typeof decoder === "object");
  decoder.push(frame(1, KEY));
  decoder.close();
  parts.asked[0]!(true);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals([Closable.open, told.words], [0, []]);
});

Deno.test("createPictureDecoder says what pixels it cannot show", () => {
  const raw = (config: Partial<StreamConfig>) =>
    createPictureDecoder({ ...CONFIG, format: "raw", ...config }, new Told());
  assertMatch(String(raw({ pixelFormat: "pal8" })), /pixel format pal8 cannot be shown/);
  assertMatch(
    String(raw({ pixelFormat: "gray", width: null })),
    /does not say how large its pictures are/,
  );
  assertEquals(createPictureDecoder(CONFIG, new Told()), undefined);
  const told = new Told();
  const decoder = raw({ pixelFormat: "gray", width: 2, height: 2 });
  assert(typeof decoder === "object");
  const gray = createPictureDecoder(
    { ...CONFIG, format: "raw", pixelFormat: "gray", width: 2, height: 2 },
    told,
  );
  assert(typeof gray === "object");
  gray.push(frame(1, KEY));
  assertEquals(told.words, ["damaged"]);
  gray.push({ ...frame(2, KEY), data: new Uint8Array(4) });
  assertEquals(told.words.at(-1), "picture 2");
});

Deno.test("Screen draws the newest picture at a refresh, and closes all", () => {
  const refreshes: (() => void)[] = [];
  using _ = browser({
    requestAnimationFrame: (draw: () => void) => refreshes.push(draw),
    cancelAnimationFrame: () => refreshes.length = 0,
  });
  const drawn: number[] = [];
  const told: string[] = [];
  const canvas = { width: 0, height: 0, getContext: () => ({}) };
  const screen = new Screen(canvas as unknown as HTMLCanvasElement, {
    onDrawn: ({ header }, isOtherSize) => told.push(`${header.sequence} ${isOtherSize}`),
    onSkipped: () => told.push("skipped"),
  });
  const offer = (sequence: number) => {
    const closable = new Closable();
    screen.offer({
      ...{ width: 4, height: 2, frame: frame(sequence), draw: () => drawn.push(sequence) },
      close: () => closable.close(),
    });
  };
  offer(1);
  offer(2);
  offer(3);
  assertEquals(refreshes.length, 1);
  refreshes.shift()!();
  offer(4);
  refreshes.shift()!();
  assertEquals(drawn, [3, 4]);
  assertEquals(told, ["skipped", "skipped", "3 true", "4 false"]);
  assertEquals([canvas.width, canvas.height, Closable.open], [4, 2, 0]);
  offer(5);
  screen.clear();
  assertEquals([refreshes.length, Closable.open], [0, 0]);
});

Deno.test("mediaSourceType asks the managed source where there is one, for what can be boxed", () => {
  const asked: string[] = [];
  const source = (name: string) => ({
    isTypeSupported: (type: string) => asked.push(`${name} ${type}`) > 0,
  });
  const [managed, plain] = [source("managed"), source("plain")];
  {
    using _ = browser({ MediaSource: plain });
    assertEquals(mediaSourceType(CONFIG), 'video/mp4; codecs="avc1.42E01E"');
  }
  using _ = browser({ MediaSource: plain, ManagedMediaSource: managed });
  mediaSourceType({ ...CONFIG, codec: null });
  assertEquals(mediaSourceType({ ...CONFIG, format: "vp8", codec: "vp8" }), undefined);
  assertEquals(asked, [
    'plain video/mp4; codecs="avc1.42E01E"',
    'managed video/mp4; codecs="avc1.640028"',
  ]);
});

Deno.test("KeyFrameDecoder sends on to the stream's page where only that can play it", async () => {
  using _ = browser({ isSecureContext: false, MediaSource: { isTypeSupported: () => true } });
  const told = new Told();
  const decoder = new KeyFrameDecoder(CONFIG, told);
  decoder.push(frame(1, KEY));
  await told.until(1);
  decoder.close();
  assertEquals(told.words, ["Open the stream to see it."]);
});
