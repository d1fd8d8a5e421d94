/**
 * What is wrong with a media file.
 *
 * @module
 */

/** A part of a file that cannot be what it should be; the message is a clause for people. */
export class DamageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DamageError";
  }
}
