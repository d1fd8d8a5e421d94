// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { FilmLength } from "../../src/files/film_length.ts";

const frame = (ptsUs: number | null, captureUs = 0, discontinuity = false) => ({
  ptsUs,
  captureUs,
  discontinuity,
});

Deno.test("FilmLength counts from the first frame on, also for pictures out of order", () => {
  const film = new FilmLength();
  const times = [500, 620, 540, 580].map((ptsUs) => film.next(frame(ptsUs)));
  assertEquals(times, [0, 120, 40, 80]);
});

Deno.test("FilmLength goes on where the times begin anew, or another clock tells them", () => {
  const film = new FilmLength();
  film.next(frame(9000));
  assertEquals(film.next(frame(9500)), 500);
  assertEquals(film.next(frame(100, 0, true)), 500);
  assertEquals(film.next(frame(150)), 550);
  assertEquals(film.next(frame(null, 1_000_000)), 550);
  assertEquals(film.next(frame(null, 1_000_100)), 650);
});
