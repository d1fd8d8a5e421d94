/**
 * Copies text, also on pages that are not secure, as those of a relay in the house.
 *
 * @module
 */

/** Copies `text`; false where the browser does not let the page. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No secure page, or no leave: what is selected can be copied by the old command.
    return copySelected(text);
  }
}

function copySelected(text: string): boolean {
  const { activeElement } = document;
  const place = document.createElement("textarea");
  place.className = "visually-hidden";
  place.readOnly = true;
  place.value = text;
  // While a dialog is open, nothing outside it can be selected.
  (activeElement?.closest("dialog") ?? document.body).append(place);
  place.select();
  const isCopied = document.execCommand("copy");
  place.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus({ preventScroll: true });
  return isCopied;
}
