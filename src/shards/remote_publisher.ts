/**
 * Somebody who sends frames to a stream that another thread has.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Peer } from "../relay/peer.ts";
import type { PublishHello } from "../wire/control_message.ts";
import type { FromShard } from "./shard_message.ts";

/** The way to the thread that has the streams. */
export interface HubThread {
  /** Tells it something; `transfer` is handed over. */
  tell(message: FromShard, transfer?: Transferable[]): void;
  /** Counts bytes as handed over; false where it has not yet taken in what it was handed before. */
  handIn(bytes: number): boolean;
  /** The peer is gone. */
  forget(peer: number): void;
}

/** Passes on what somebody sends, and his goodbye. */
export class RemotePublisher implements Peer {
  readonly #number: number;
  readonly #hub: HubThread;

  /** `number`: what the two threads call the peer. */
  constructor(
    number: number,
    hub: HubThread,
    { name, hello }: { readonly name: string; readonly hello: PublishHello | "bare" },
  ) {
    this.#number = number;
    this.#hub = hub;
    hub.tell({ type: "publish", peer: number, name, hello });
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#hub.handIn(typeof data === "string" ? data.length : data.byteLength)) {
      throw new ProtocolError(CLOSE.overCredit, "frames come faster than the relay takes them in");
    }
    const transfer = typeof data === "string" ? [] : [data.buffer];
    this.#hub.tell({ type: "message", peer: this.#number, data }, transfer);
  }

  closed(): void {
    this.#hub.forget(this.#number);
    this.#hub.tell({ type: "gone", peer: this.#number });
  }
}
