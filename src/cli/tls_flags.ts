/**
 * Options of TLS.
 *
 * @module
 */
import { text } from "./value.ts";

/** The value of `--tls`. */
export const SELF_SIGNED = "self-signed";

/** By what a relay proves who it is. */
export const TLS_FLAGS = {
  tls: {
    value: SELF_SIGNED,
    help: "speak TLS (https, wss) with a certificate that is made for this machine, and kept",
    read: (value: string) => {
      if (value === SELF_SIGNED) return value;
      throw new Error(
        `"${SELF_SIGNED}"; a certificate of your own is for --tls-cert and --tls-key`,
      );
    },
  },
  "tls-cert": {
    value: "FILE",
    help: "speak TLS (https, wss) with this certificate and those that lead to a known one, PEM",
    read: text,
  },
  "tls-key": { value: "FILE", help: "the certificate's private key, PEM", read: text },
} as const;
