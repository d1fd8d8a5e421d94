// Types for `@std/html/entities`.

export function escape(str: string): string;
