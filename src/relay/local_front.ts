/**
 * The front of a relay that does everything in one thread.
 *
 * @module
 */
import type { Budget } from "../core/budget.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { answerOf } from "../http/answers.ts";
import { BareSender } from "./bare_sender.ts";
import type { Front } from "./front.ts";
import type { Hub, HubOptions } from "./hub.ts";
import type { Peer, PeerPlace, SenderKind, SenderPort } from "./peer.ts";
import { PublisherPeer } from "./publisher_peer.ts";
import type { StreamPictures } from "../http/stream_pictures.ts";
import type { Audience } from "./viewer.ts";

/** Brings connections and requests to the streams of this thread. */
export class LocalFront implements Front {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  get options(): HubOptions {
    return this.#hub.options;
  }

  get clock(): Clock {
    return this.#hub.clock;
  }

  get log(): Log {
    return this.#hub.log;
  }

  get isStopping(): boolean {
    return this.#hub.isStopping;
  }

  get underWay(): Budget {
    return this.#hub.underWay;
  }

  get maxViewerBytes(): number {
    return this.#hub.maxViewerBytes;
  }

  admitViewer(name: string): Audience {
    return this.#hub.admitViewer(name);
  }

  admitSender(): void {
    this.#hub.admitSender();
  }

  release(): void {
    this.#hub.release();
  }

  picturesOf(audience: Audience): StreamPictures {
    return this.#hub.pictures.of(audience);
  }

  openSender(kind: SenderKind, place: PeerPlace, port: SenderPort): Peer {
    return kind === "publisher"
      ? new PublisherPeer(this.#hub, place, port)
      : new BareSender(this.#hub, place);
  }

  async answer(request: Request): Promise<Response> {
    return await answerOf(this.#hub, request);
  }
}
