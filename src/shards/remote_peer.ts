/**
 * Somebody who sends frames to a stream that another thread has.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Peer, PeerPlace, SenderKind } from "../relay/peer.ts";
import type { FromShard } from "./shard_message.ts";

/** The way to the thread that has the streams. */
export interface HubLink {
  /** Tells it something; `transfer` is handed over. */
  tell(message: FromShard, transfer?: Transferable[]): void;
  /** Counts bytes as handed over; false where it has not yet taken in what it was handed before. */
  handIn(bytes: number): boolean;
}

/** Passes on what somebody sends, and his goodbye. */
export class RemotePeer implements Peer {
  readonly #number: number;
  readonly #link: HubLink;

  /** `number`: how the two threads name the peer. */
  constructor(number: number, kind: SenderKind, { place, link }: {
    readonly place: PeerPlace;
    readonly link: HubLink;
  }) {
    this.#number = number;
    this.#link = link;
    const { name, joinFrom } = place;
    link.tell({ type: "open", peer: number, kind, place: { name, joinFrom } });
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#link.handIn(typeof data === "string" ? data.length : data.byteLength)) {
      throw new ProtocolError(CLOSE.overCredit, "frames come faster than the relay takes them in");
    }
    const transfer = typeof data === "string" ? [] : [data.buffer];
    this.#link.tell({ type: "message", peer: this.#number, data }, transfer);
  }

  closed(): void {
    this.#link.tell({ type: "gone", peer: this.#number });
  }
}
