/**
 * The thread that keeps a self-signed certificate. It may write in its folder, and nothing else: the relay,
 * which strangers talk to, can write nowhere.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { threadScope } from "../host/thread.ts";
import { keepCertificate, type KeepOrder, type KeptCertificate } from "./kept_certificate.ts";

/** What became of an order. */
export type KeeperNews =
  | { readonly type: "done"; readonly kept: KeptCertificate }
  | { readonly type: "done"; readonly failed: string };

const scope = threadScope<KeepOrder, KeeperNews>();

scope.onmessage = async ({ data: order }) => {
  try {
    scope.postMessage({ type: "done", kept: await keepCertificate(order) });
  } catch (error) {
    scope.postMessage({ type: "done", failed: messageOf(error) });
  }
};
