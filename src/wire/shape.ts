/**
 * Whether a value that came as JSON is what it should be.
 *
 * @module
 */

/** Whether a value is what it should be. */
export type Check = (value: unknown) => boolean;

/** A number that is one. */
export function number(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

/** A text. */
export function text(value: unknown): boolean {
  return typeof value === "string";
}

/** True or false. */
export function flag(value: unknown): boolean {
  return typeof value === "boolean";
}

/** A frame rate: a number, or `"source"`. */
export function frameRate(value: unknown): boolean {
  return value === "source" || number(value);
}

/** What `check` says, or `null`. */
export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

/** What `check` says, `null`, or nothing. */
export function optional(check: Check): Check {
  return (value) => value === undefined || value === null || check(value);
}

/** An object that has these fields; by name what each must be. */
export function object(fields: Readonly<Record<string, Check>>): Check {
  return (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.entries(fields).every(([name, check]) =>
      check(Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined)
    );
}

/** An object of which every field is a number. */
export function numbers(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every(number);
}
