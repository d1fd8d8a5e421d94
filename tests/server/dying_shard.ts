/**
 * A thread of the relay that dies when somebody watches the stream `die`, and that is stuck from when
 * somebody watches `hang` until the file in `HANG_UNTIL_GONE` is.
 */
import "../../src/shards/shard_worker.ts";

interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
const post = scope.postMessage.bind(scope);
scope.postMessage = (message, transfer = []) => {
  post(message, transfer);
  const { type, name } = message as { type: string; name?: string };
  if (type !== "subscribe") return;
  if (name === "die") {
    setTimeout(() => {
      throw new Error("told to die");
    });
  }
  if (name === "hang") setTimeout(hang);
};

function hang(): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  try {
    while (Deno.statSync(Deno.env.get("HANG_UNTIL_GONE")!)) Atomics.wait(nobody, 0, 0, 50);
  } catch {
    // It is gone.
  }
}
