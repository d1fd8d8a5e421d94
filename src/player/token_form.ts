/**
 * The form that asks for a token.
 *
 * @module
 */
import type { Refusal } from "./admission.ts";

/** How often the time that is left is told, in milliseconds. */
const TELL_MS = 1000;

/** Whether that may be a token: whatever else it is, it has no other characters (RFC 6750 section 2.1). */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** Asks somebody for a token, and says why, until there is one. */
export class TokenForm {
  /** The token that was typed, or given. */
  readonly token: Promise<string>;
  readonly #done: (token: string) => void;
  readonly #dialog = document.createElement("dialog");
  readonly #field = document.createElement("input");
  readonly #wait = document.createElement("small");
  readonly #button = document.createElement("button");
  readonly #untilMs: number;
  #telling: ReturnType<typeof setInterval> | undefined;

  /**
   * Where it is the relay that takes nothing for a while, the token that it has not looked at stands in
   * the field, to be sent again.
   */
  constructor({ sentence, waitMs }: Refusal, tried: string | undefined) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.token = promise;
    this.#done = resolve;
    this.#untilMs = Date.now() + waitMs;
    const form = document.createElement("form");
    const why = document.createElement("p");
    const dialog = this.#dialog;
    const field = this.#field;
    dialog.id = "entry";
    dialog.ariaLabel = "Token";
    why.textContent = sentence;
    field.type = "password";
    field.name = "token";
    field.autocomplete = "off";
    field.required = true;
    field.ariaLabel = "Token";
    field.placeholder = "Token";
    if (waitMs > 0) field.value = tried ?? "";
    this.#button.className = "button";
    this.#button.textContent = "Go on";
    form.append(why, field, this.#wait, this.#button);
    dialog.append(form);
    document.body.append(dialog);
    // There is nothing behind it to go back to.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = field.value.trim();
      if (this.#leftMs === 0 && isToken(token)) this.give(token);
    });
    if (waitMs > 0) this.#telling = setInterval(() => this.#tell(), TELL_MS);
    this.#tell();
    dialog.showModal();
  }

  /** Takes a token that has come another way. */
  give(token: string): void {
    clearInterval(this.#telling);
    this.#dialog.remove();
    this.#done(token);
  }

  get #leftMs(): number {
    return Math.max(0, this.#untilMs - Date.now());
  }

  /** Tells how long nothing may be sent. */
  #tell(): void {
    const leftS = Math.ceil(this.#leftMs / 1000);
    this.#wait.hidden = leftS === 0;
    this.#wait.textContent = leftS === 0 ? "" : `You can try again in ${leftS} s.`;
    this.#button.disabled = leftS > 0;
    if (leftS === 0) clearInterval(this.#telling);
  }
}
