/**
 * The body of an answer that its maker pushes where the listener can take it so.
 *
 * @module
 */

/** The way out of one answer. Nothing about it blocks or throws. */
export interface Outlet {
  /**
   * Writes parts at once; nobody changes or frees them from then on. False where they have not all left:
   * {@linkcode OutletEvents.drained} is called when they have, and nothing may be written before.
   */
  write(parts: readonly Uint8Array[]): boolean;
  /** Calls {@linkcode OutletEvents.drained} when there is time for more in this turn of the event loop. */
  again(): void;
  /** Ends the answer behind what was written. */
  end(): void;
  /** Breaks the connection off. */
  breakOff(): void;
}

/** What comes from an {@linkcode Outlet}. */
export interface OutletEvents {
  /** More may be written. */
  drained(): void;
  /** The client has gone. */
  closed(): void;
}

/**
 * A body that any listener can read. One that has an {@linkcode Outlet} calls {@linkcode PushedBody.open}
 * instead: reading takes several promises for each piece and client, most of what an answer costs.
 */
export class PushedBody extends ReadableStream<Uint8Array<ArrayBuffer>> {
  /** Has the body pushed, of which nothing has been read and nothing is read any more. */
  readonly open: (outlet: Outlet) => OutletEvents;

  constructor(
    source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>,
    open: (outlet: Outlet) => OutletEvents,
  ) {
    super(source, { highWaterMark: 0 });
    this.open = open;
  }
}
