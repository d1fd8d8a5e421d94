// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Questions } from "../../src/host/questions.ts";

Deno.test("Questions gives each answer to whoever asked, in whatever order they come", async () => {
  const questions = new Questions<string>();
  const ids: number[] = [];
  const answers = ["a", "b"].map(() => questions.ask((id) => ids.push(id)));
  questions.answer(ids[1]!, "second");
  questions.answer(ids[0]!, "first");
  // Nobody waits for it any more.
  questions.answer(ids[0]!, "once more");
  assertEquals(await Promise.all(answers), ["first", "second"]);
});

Deno.test("Questions takes an answer that comes while the question is put", async () => {
  const questions = new Questions<number>();
  assertEquals(await questions.ask((id) => questions.answer(id, 7)), 7);
});

Deno.test("Questions gives up where no answer comes in time, and leaves no timer where one does", async () => {
  const questions = new Questions<number>();
  assertEquals(await questions.askWithin(1, () => {}), undefined);
  assertEquals(await questions.askWithin(1e6, (id) => questions.answer(id, 7)), 7);
});

Deno.test("Questions answers all that is left at once", async () => {
  const questions = new Questions<number>();
  const left = [questions.ask(() => {}), questions.askWithin(1e6, () => {})];
  questions.answerAll(0);
  assertEquals(await Promise.all(left), [0, 0]);
});
