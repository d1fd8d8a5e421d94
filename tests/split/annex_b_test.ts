// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { type AnnexBSplitter, MAX_JUNK_BYTES } from "../../src/split/annex_b.ts";
import { createSplitter } from "../../src/split/create.ts";
import { H264Splitter } from "../../src/split/h264.ts";
import { HevcSplitter } from "../../src/split/hevc.ts";
import { nalUnits } from "../../src/split/nal.ts";
import { MAX_PARAMETER_SET_BYTES } from "../../src/split/parameter_sets.ts";
import type { SplitFrame } from "../../src/split/splitter.ts";
import {
  CODE_3,
  CODE_4,
  H264_DELIMITER,
  H264_FILLER,
  h264Pps,
  h264Sei,
  h264Slice,
  h264Sps,
  HEVC_DELIMITER,
  HEVC_PREFIX_SEI,
  HEVC_SUFFIX_SEI,
  hevcHeader,
  hevcPps,
  hevcSlice,
  hevcSps,
  hevcVps,
  idr,
  short,
  unit,
} from "./nal_samples.ts";
import { bytesUntilError, concat, cutAt, errorOf, ramp, split } from "./samples.ts";

/** What the two formats have in common, each in its own NAL units. */
interface Codec {
  readonly name: string;
  readonly create: (maxFrameBytes?: number) => AnnexBSplitter;
  readonly parameters: Uint8Array;
  readonly key: Uint8Array;
  readonly delta: Uint8Array;
  /** A slice that goes on with the picture of a delta. */
  readonly more: Uint8Array;
  readonly delimiter: Uint8Array;
  /** Opens an access unit. */
  readonly sei: Uint8Array;
  /** Belong to the picture before. */
  readonly trailing: readonly Uint8Array[];
  /** Bytes of the header of the NAL units that tell their role. */
  readonly headerBytes: number;
}

const CODECS: readonly Codec[] = [
  {
    name: "H264Splitter",
    create: (maxFrameBytes = 4096) => new H264Splitter({ maxFrameBytes }),
    parameters: concat(h264Sps(), h264Pps()),
    key: idr(),
    delta: h264Slice({ frameNum: 1 }),
    more: h264Slice({ frameNum: 1, first: 30 }),
    delimiter: H264_DELIMITER,
    sei: h264Sei([5, ramp(20)]),
    trailing: [
      H264_FILLER,
      unit([0x0a], new Uint8Array(0)),
      unit([0x0b], new Uint8Array(0)),
      unit([0x13], Uint8Array.of(0x88)),
      unit([0x74], Uint8Array.of(0x88)),
      unit([0x7f], Uint8Array.of(0x88)),
      unit([0xe7], Uint8Array.of(0x88)),
    ],
    headerBytes: 1,
  },
  {
    name: "HevcSplitter",
    create: (maxFrameBytes = 4096) => new HevcSplitter({ maxFrameBytes }),
    parameters: concat(hevcVps(), hevcSps(), hevcPps()),
    key: hevcSlice({ type: 19 }),
    delta: hevcSlice(),
    more: hevcSlice({ isFirst: false }),
    delimiter: HEVC_DELIMITER,
    sei: HEVC_PREFIX_SEI,
    trailing: [
      HEVC_SUFFIX_SEI,
      unit(hevcHeader(36), new Uint8Array(0)),
      unit(hevcHeader(37), new Uint8Array(0)),
      unit(hevcHeader(38), Uint8Array.of(0xff, 0x80)),
      // Slices of another layer, a reserved slice, and headers that no NAL unit may have.
      hevcSlice({ layer: 1 }),
      hevcSlice({ layer: 33 }),
      hevcSlice({ type: 24 }),
      unit(hevcHeader(63), Uint8Array.of(0x80)),
      unit([0xc0, 0x01], Uint8Array.of(0x80)),
      unit([0x42, 0x00], Uint8Array.of(0x80)),
    ],
    headerBytes: 2,
  },
];

function dataOf(frames: readonly SplitFrame[]): Uint8Array[] {
  return frames.map(({ data }) => data);
}

function kindsOf(frames: readonly SplitFrame[]): string[] {
  return frames.map(({ kind }) => kind);
}

/** All frames that there are now. */
function drain(splitter: AnnexBSplitter): SplitFrame[] {
  const frames = [];
  for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
    frames.push(frame);
  }
  return frames;
}

for (const codec of CODECS) {
  const { name, create, parameters, key, delta, more, delimiter, sei, trailing } = codec;

  /** Splits `frames` one behind another, whole and byte by byte. */
  const assertFrames = (frames: Uint8Array[], damaged = 0) => {
    const input = concat(...frames);
    for (const chunks of [[input], cutAt(input, [...input.keys()])]) {
      const splitter = create();
      const { frames: found, error } = split(splitter, chunks);
      assertEquals(error, undefined);
      assertEquals(dataOf(found), frames);
      assertEquals(splitter.damaged, damaged);
    }
  };

  Deno.test(`${name} begins a frame at what opens an access unit behind a slice`, () => {
    for (const opening of [delimiter, sei, parameters, short(parameters)]) {
      assertFrames([concat(parameters, key), concat(opening, delta)]);
    }
    assertFrames([concat(parameters, key), concat(delimiter, sei, parameters, sei, key), delta]);
  });

  Deno.test(`${name} leaves to a frame what follows its slices, and all of its slices`, () => {
    const pictures = [concat(delta, more, short(more)), concat(short(delta), more)];
    assertFrames([concat(parameters, key), ...pictures, ...pictures]);
    for (const unit of trailing) {
      assertFrames([concat(parameters, key, unit), concat(delta, unit, unit), concat(delta, unit)]);
      assertFrames([concat(delta, unit, more), delta]);
    }
  });

  Deno.test(`${name} gives zeros to the NAL unit before, but one in front of a start code`, () => {
    const zeros = new Uint8Array(40);
    assertFrames([
      concat(parameters, zeros, key, zeros),
      concat(delta, zeros),
      concat(delta, zeros),
    ]);
    assertFrames([concat(parameters, short(key)), short(delta), delta, short(delta)]);
    // An empty NAL unit is nobody's.
    assertFrames([concat(parameters, key, CODE_3, CODE_4, CODE_3), delta]);
  });

  Deno.test(`${name} gives a frame as soon as the header of a delimiter is there`, () => {
    const splitter = create();
    splitter.push(concat(parameters, key, CODE_4, delimiter.subarray(4, 3 + codec.headerBytes)));
    assertEquals(splitter.next(), undefined);
    splitter.push(delimiter.subarray(3 + codec.headerBytes, 4 + codec.headerBytes));
    assertEquals(splitter.next()?.data, concat(parameters, key));
    assertEquals(splitter.next(), undefined);
  });

  Deno.test(`${name} skips bytes in front of the first start code, up to a limit`, () => {
    const rest = [concat(parameters, key), delta];
    const cases: [Uint8Array, number][] = [
      [new Uint8Array(0), 0],
      [new Uint8Array(9), 0],
      [Uint8Array.of(7), 1],
      [Uint8Array.of(0, 0, 2, 0, 1), 1],
      [new Uint8Array(MAX_JUNK_BYTES).fill(0xff), 1],
    ];
    for (const [junk, damaged] of cases) {
      const input = concat(junk, ...rest);
      for (const chunks of [[input], cutAt(input, [1, 2, 3, 5, junk.length, junk.length + 2])]) {
        const splitter = create();
        assertEquals(dataOf(split(splitter, chunks).frames), rest);
        assertEquals(splitter.damaged, damaged);
      }
    }
    const tooMuch = concat(new Uint8Array(MAX_JUNK_BYTES + 1).fill(0xff), ...rest);
    for (const chunks of [[tooMuch], cutAt(tooMuch, [7, MAX_JUNK_BYTES, MAX_JUNK_BYTES + 3])]) {
      const { fault } = errorOf(create(), ...chunks);
      assertEquals(fault.expected, "a start code (00 00 01) within the first 65536 bytes");
      assertEquals([fault.frame, fault.offset, fault.found], [1, 0, "ff ff ff ff ff ff ff ff"]);
    }
    assert(bytesUntilError(create(), ramp(64), ramp(64)) <= MAX_JUNK_BYTES + 128);
  });

  Deno.test(`${name} refuses an input without a picture`, () => {
    const inputs = [ramp(30), CODE_4, parameters, concat(parameters, delimiter, sei)];
    for (const input of inputs) {
      const { fault } = errorOf(create(), input);
      assertEquals([fault.frame, fault.offset], [1, input.length]);
      assertStringIncludes(fault.found, `the end of the input after ${input.length} bytes`);
      assert(fault.advice?.startsWith("let the program"));
    }
    assertEquals(
      errorOf(create(), parameters).fault.expected,
      "a picture (a slice after a start code)",
    );
  });

  Deno.test(`${name} leaves out what follows the last picture and is no part of it`, () => {
    const frames = [concat(parameters, key), delta];
    const rests = [sei, parameters, delimiter, CODE_4, delta.subarray(0, 3 + codec.headerBytes)];
    for (const rest of rests) {
      for (const chunks of [[concat(...frames, rest)], [...frames, rest]]) {
        const splitter = create();
        const { frames: found, error } = split(splitter, chunks);
        assertEquals([dataOf(found), error, splitter.damaged], [frames, undefined, 1]);
      }
    }
  });

  Deno.test(`${name} leaves out an access unit without a picture, and keeps what it tells`, () => {
    const input = concat(delimiter, parameters, sei, delimiter, key, delimiter, delimiter, delta);
    for (const chunks of [[input], cutAt(input, [...input.keys()])]) {
      const splitter = create();
      const { frames, error } = split(splitter, chunks);
      assertEquals(error, undefined);
      assertEquals(dataOf(frames), [concat(delimiter, parameters, key), concat(delimiter, delta)]);
      assertEquals([kindsOf(frames), splitter.damaged], [["key", "delta"], 2]);
    }
  });

  Deno.test(`${name} puts parameter sets into a key frame that has none, with headroom`, () => {
    const input = [parameters, key, delta, key, delimiter, key, delimiter, sei, short(key)];
    const { frames } = split(create(), [concat(...input)]);
    assertEquals(dataOf(frames), [
      concat(parameters, key),
      delta,
      concat(parameters, key),
      concat(delimiter, parameters, key),
      concat(delimiter, parameters, sei, short(key)),
    ]);
    assertEquals(kindsOf(frames), ["key", "delta", "key", "key", "key"]);
    for (const { data, kind, configuration } of frames) {
      assertEquals(configuration, kind === "key" ? true : undefined);
      assert(data.byteOffset >= HEADROOM_BYTES);
    }
  });

  Deno.test(`${name} knows a parameter set again that had zeros behind it`, () => {
    const sets = nalUnits(parameters).map(({ start, end }) =>
      concat(CODE_4, parameters.subarray(start, end))
    );
    const padded = concat(...sets.map((set) => concat(set, new Uint8Array(5))));
    const { frames } = split(create(), [concat(padded, key, sets[0]!, key, key)]);
    assertEquals(kindsOf(frames), ["key", "key", "key"]);
    assertEquals(frames[2]!.data, concat(parameters, key));
  });

  Deno.test(`${name} makes no key frame of a picture whose parameter sets were never seen`, () => {
    const { frames } = split(create(), [concat(key, delta, parameters, key)]);
    assertEquals(kindsOf(frames), ["delta", "delta", "key"]);
    assertEquals(frames.map(({ config }) => config.width), [null, null, 160]);
    assertEquals(dataOf(frames), [key, delta, concat(parameters, key)]);
  });

  Deno.test(`${name} applies the limit to a frame with what is put into it`, () => {
    const input = concat(parameters, key, delta, key);
    const largest = parameters.length + key.length;
    assertEquals(split(create(largest), [input]).error, undefined);
    const { frames, error } = split(create(largest - 1), [
      concat(delta, parameters, short(delta), key),
    ]);
    assertEquals(frames.length, 2);
    assertStringIncludes(error?.message ?? "", `found a frame of ${largest}`);
  });

  Deno.test(`${name} takes a frame of the limit's size, zeros behind it and all`, () => {
    const first = concat(parameters, key);
    const zeros = new Uint8Array(50);
    const input = concat(first, zeros, delta);
    for (const chunks of [[input], cutAt(input, [...input.keys()])]) {
      assertEquals(split(create(first.length + 50), chunks).error, undefined);
      assertStringIncludes(
        split(create(first.length + 49), chunks).error?.message ?? "",
        "(--max-frame)",
      );
    }
    const splitter = create(first.length + 50);
    assertEquals(bytesUntilError(splitter, first, Uint8Array.of(0)), first.length + 50 + 4);
  });

  Deno.test(`${name} gives the last picture when idle, and what comes of it later by itself`, () => {
    const splitter = create();
    splitter.push(concat(parameters, key));
    assertEquals(splitter.next(), undefined);
    splitter.idle();
    assertEquals(dataOf(drain(splitter)), [concat(parameters, key)]);
    splitter.idle();
    assertEquals(drain(splitter), []);
    splitter.push(delta);
    assertEquals(drain(splitter), []);
    splitter.push(short(delta));
    assertEquals(dataOf(drain(splitter)), [delta]);
    splitter.idle();
    assertEquals(dataOf(drain(splitter)), [short(delta)]);
    splitter.push(concat(more, trailing[0]!));
    assertEquals(drain(splitter), []);
    splitter.push(delta);
    assertEquals(dataOf(drain(splitter)), [concat(more, trailing[0]!)]);
    splitter.end();
    assertEquals(dataOf(drain(splitter)), [delta]);
    assertEquals([splitter.next(), splitter.damaged], [undefined, 0]);
  });

  Deno.test(`createSplitter passes idle and damaged on to ${name}`, () => {
    const splitter = createSplitter({ format: "auto", maxFrameBytes: 4096 });
    assertEquals(splitter.damaged, 0);
    splitter.idle?.();
    splitter.push(concat(delimiter, delimiter, parameters, key));
    assertEquals([splitter.next(), splitter.damaged], [undefined, 1]);
    splitter.idle?.();
    assertEquals(splitter.next()?.data, concat(delimiter, parameters, key));
  });

  Deno.test(`${name} counts no zeros as damage that come behind a picture given when idle`, () => {
    const splitter = create();
    splitter.push(concat(parameters, key));
    splitter.idle();
    assertEquals(drain(splitter).length, 1);
    splitter.push(new Uint8Array(9));
    splitter.idle();
    splitter.end();
    assertEquals([drain(splitter), splitter.damaged], [[], 0]);
  });

  Deno.test(`${name} gives nothing when idle where no picture is`, () => {
    for (const start of [new Uint8Array(0), CODE_3, parameters, concat(delimiter, sei)]) {
      const splitter = create();
      splitter.push(start);
      splitter.idle();
      assertEquals(drain(splitter), []);
      splitter.push(concat(key, delta));
      assertEquals(drain(splitter).length, 1);
    }
  });

  Deno.test(`${name} passes the rest of a NAL unit on that was cut when idle`, () => {
    const splitter = create();
    const input = concat(parameters, key, delta);
    const cut = parameters.length + key.length - 3;
    splitter.push(input.subarray(0, cut));
    splitter.idle();
    const [first] = drain(splitter);
    assertEquals(first?.kind, "key");
    splitter.push(input.subarray(cut));
    const [rest] = drain(splitter);
    assertEquals(concat(first!.data, rest!.data), concat(parameters, key));
    assertEquals([rest?.kind, rest?.leading, rest?.configuration], ["delta", undefined, undefined]);
    splitter.idle();
    assertEquals(dataOf(drain(splitter)), [delta]);
  });

  Deno.test(`${name} loses no byte, wherever it is cut and however often idle`, () => {
    const zeros = new Uint8Array(4);
    const input = concat(
      parameters,
      key,
      more,
      zeros,
      short(delta),
      sei,
      delta,
      ...trailing,
      delta,
    );
    const pauses = fc.array(fc.nat({ max: input.length }), { maxLength: 5 });
    fc.assert(
      fc.property(pauses, (offsets) => {
        const splitter = create();
        const frames: SplitFrame[] = [];
        for (const chunk of cutAt(input, offsets)) {
          splitter.push(chunk);
          frames.push(...drain(splitter));
          splitter.idle();
          frames.push(...drain(splitter));
        }
        splitter.end();
        frames.push(...drain(splitter));
        assertEquals(concat(...dataOf(frames)), input);
        assertEquals(splitter.damaged, 0);
      }),
      { seed: 43, numRuns: 2000 },
    );
  });

  Deno.test(`${name} keeps no parameter set that is too large, nor the one before it`, () => {
    const isH264 = name === "H264Splitter";
    const sps = (filler: number) => isH264 ? h264Sps({ filler }) : hevcSps({ filler });
    const [vps, pps] = isH264 ? [new Uint8Array(0), h264Pps()] : [hevcVps(), hevcPps()];
    const room = MAX_PARAMETER_SET_BYTES - (sps(0).length - CODE_4.length);
    const create20k = () => create(20_000);
    const atLimit = concat(vps, sps(room), pps, key, key);
    assertEquals(kindsOf(split(create20k(), [atLimit]).frames), ["key", "key"]);
    const past = concat(vps, sps(room + 1), pps, key, key);
    assertEquals(kindsOf(split(create20k(), [concat(parameters, key, past)]).frames), [
      "key",
      "delta",
      "delta",
    ]);
  });
}
