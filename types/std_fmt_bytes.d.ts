// Types for `@std/fmt/bytes`.

export function format(
  num: number,
  options?: {
    readonly binary?: boolean;
    readonly maximumFractionDigits?: number;
    readonly minimumFractionDigits?: number;
  },
): string;
