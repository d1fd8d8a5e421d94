/**
 * A button that copies what stands beside it.
 *
 * @module
 */
import { copyText } from "./clipboard.ts";
import { part } from "./elements.ts";

/** How long a button says that it has copied, in milliseconds. */
const COPIED_MS = 2000;

/** Has the button copy the text of `code`, or `text` where it is given. */
export function copyOnClick(button: HTMLButtonElement, code: HTMLElement, text?: string): void {
  const label = part(button, "span", HTMLElement);
  const usual = label.textContent;
  let timer: ReturnType<typeof setTimeout> | undefined;
  button.addEventListener("click", async () => {
    clearTimeout(timer);
    label.textContent = await copy(code, text) ? "Copied" : "Press Ctrl+C";
    timer = setTimeout(() => label.textContent = usual, COPIED_MS);
  });
}

/** Copies an element's text, or the one given; where the page may not, selects the element's. */
async function copy(code: HTMLElement, text = code.textContent ?? ""): Promise<boolean> {
  if (await copyText(text)) return true;
  // Selected, it can be copied by hand.
  getSelection()?.selectAllChildren(code);
  return false;
}
