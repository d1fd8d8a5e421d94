/**
 * The form that asks whether somebody is to be ended, and why.
 *
 * @module
 */

/** Longest reason in characters; the relay passes on no more. */
const MAX_REASON = 80;

/** Asks whether `what` is to be ended: the reason, which may be empty, or `undefined` where it is not. */
export function askToEnd(what: string): Promise<string | undefined> {
  const dialog = document.createElement("dialog");
  const form = document.createElement("form");
  const question = document.createElement("p");
  const reason = document.createElement("input");
  const end = button("End", "submit");
  const cancel = button("Cancel", "button");
  dialog.className = "end";
  form.method = "dialog";
  question.id = "end-question";
  dialog.setAttribute("aria-labelledby", question.id);
  question.textContent = `End ${what}?`;
  reason.maxLength = MAX_REASON;
  reason.autocomplete = "off";
  reason.placeholder = "Reason, which is passed on";
  reason.ariaLabel = reason.placeholder;
  form.append(question, reason, end, cancel);
  dialog.append(form);
  document.body.append(dialog);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", () => resolve(reason.value));
  dialog.addEventListener("close", () => {
    // After the form's own answer this says nothing more.
    resolve(undefined);
    dialog.remove();
  });
  dialog.showModal();
  return promise;
}

function button(text: string, type: "submit" | "button"): HTMLButtonElement {
  const made = document.createElement("button");
  made.className = "button";
  made.type = type;
  made.textContent = text;
  return made;
}
