// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { FilmSource } from "../../src/files/film_source.ts";
import type { SourceFrame } from "../../src/files/frame_source.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import type { MediaReader } from "../../src/media/media_reader.ts";

const CONFIG = bareConfig("h264");

/** A film of three frames, with something left out in front of the second and at its end. */
class DamagedFilm implements MediaReader {
  damaged = 0;
  fault: MediaReader["fault"];
  isStopped = false;
  #frames = 0;

  next() {
    this.#frames++;
    if (this.#frames === 2) this.#damage("the lengths in it do not fit");
    if (this.#frames === 4) this.#damage("the file was cut off before its end", "copy it again");
    const frame = { data: new Uint8Array(1), kind: "key", ptsUs: 0, durationUs: 0 } as const;
    return Promise.resolve(this.#frames < 4 ? { ...frame, config: CONFIG } : undefined);
  }

  stop() {
    this.isStopped = true;
  }

  #damage(why: string, advice?: string) {
    this.damaged++;
    const cutOff = advice === undefined ? {} : { advice, isCutOff: true };
    this.fault = { frame: this.#frames, why, ...cutOff };
  }
}

async function framesOf(source: FilmSource): Promise<SourceFrame[]> {
  const frames: SourceFrame[] = [];
  for (let frame = await source.next(); frame; frame = await source.next()) frames.push(frame);
  return frames;
}

Deno.test("FilmSource of a repeated film tells all that is left out, each once", async () => {
  const told: [string, number][] = [];
  const onFilmDamage = (sentence: string, runs: number) => told.push([sentence, runs]);
  const policy = { isStrict: false, isRepeated: true, onFilmDamage };
  const source = new FilmSource(new DamagedFilm(), "x.mp4", policy);
  assertEquals((await framesOf(source)).length, 3);
  assertEquals(source.damaged, 2);
  assertEquals(told, [
    ["left out a part of x.mp4 at frame 2: the lengths in it do not fit", 1],
    ["left out a part of x.mp4 at frame 4: the file was cut off before its end", 1],
  ]);
});

Deno.test("FilmSource gives all that can be used, and ends with an error where the file was cut off", async () => {
  const told: string[] = [];
  const onFilmDamage = (sentence: string) => told.push(sentence);
  const source = new FilmSource(new DamagedFilm(), "x.mp4", { isStrict: false, onFilmDamage });
  for (let frame = 1; frame <= 3; frame++) assertEquals((await source.next())?.config, CONFIG);
  await assertRejects(
    () => source.next(),
    StreamError,
    "Cannot read frame 4 of x.mp4: the file was cut off before its end; copy it again",
  );
  assertEquals(told, ["left out a part of x.mp4 at frame 2: the lengths in it do not fit"]);
  assertEquals(source.damaged, 2);
});

Deno.test("FilmSource that is strict ends in front of what is left out", async () => {
  const film = new DamagedFilm();
  const source = new FilmSource(film, "x.mp4", { isStrict: true, onFilmDamage: () => {} });
  assertEquals((await source.next())?.config, CONFIG);
  await assertRejects(
    () => source.next(),
    StreamError,
    "Cannot read frame 2 of x.mp4: the lengths in it do not fit",
  );
  assertEquals(film.isStopped, true);
});
