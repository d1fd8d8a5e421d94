/** How many files may be opened. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { countFree, type FileOpener, freeDescriptors } from "../../src/host/descriptors.ts";

/** Opens files until there are `limit`; what it says then has this code. */
class Files implements FileOpener {
  readonly held = new Set<number>();
  most = 0;
  readonly #limit: number;
  readonly #code: string;

  constructor(limit: number, code = "EMFILE") {
    this.#limit = limit;
    this.#code = code;
  }

  open(): number {
    if (this.held.size >= this.#limit) throw Object.assign(new Error(), { code: this.#code });
    const file = ++this.most;
    this.held.add(file);
    return file;
  }

  close(file: number): void {
    assertEquals(this.held.delete(file), true);
  }
}

Deno.test("countFree opens files until the system has no more, at most as many as asked, and closes them", () => {
  for (
    const { limit, code, most, free } of [
      { limit: 300, code: "EMFILE", most: 11_000, free: 300 },
      { limit: 300, code: "ENFILE", most: 11_000, free: 300 },
      { limit: 256, code: "EMFILE", most: 256, free: 256 },
      { limit: 255, code: "EMFILE", most: 256, free: 255 },
      { limit: 0, code: "EMFILE", most: 256, free: 0 },
      { limit: 1000, code: "EMFILE", most: 300, free: 300 },
    ]
  ) {
    const files = new Files(limit, code);
    assertEquals(countFree(most, files), free);
    assertEquals([files.held.size, files.most], [0, free]);
  }
});

Deno.test("countFree takes no other error for the limit", () => {
  for (const code of ["EACCES", "ENOENT", "EIO"]) {
    const files = new Files(200, code);
    assertEquals(countFree(11_000, files), undefined);
    assertEquals(files.held.size, 0);
  }
});

Deno.test({
  name: "freeDescriptors finds room for as many files as asked, and gives all of it back",
  ignore: Deno.build.os === "windows",
  fn() {
    for (let n = 0; n < 3; n++) assertEquals(freeDescriptors(200), 200);
  },
});
