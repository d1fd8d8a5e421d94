/** A thread of the relay that dies when somebody watches the stream `die`. */
import "../../src/server/shard_worker.ts";

interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
const post = scope.postMessage.bind(scope);
scope.postMessage = (message, transfer = []) => {
  post(message, transfer);
  const { type, name } = message as { type: string; name?: string };
  if (type === "subscribe" && name === "die") {
    setTimeout(() => {
      throw new Error("told to die");
    });
  }
};
