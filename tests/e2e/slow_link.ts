/**
 * Two hosts on one machine, joined by a link that is slow in one direction.
 *
 * @module
 */
import { makeTwoHosts, type TwoHosts } from "./two_hosts.ts";

/** The two hosts. */
export interface SlowLink extends TwoHosts {
  /** Address of the near host, on which the relay runs. */
  readonly nearAddress: string;
}

/** Makes the two hosts; what the near one sends passes a token bucket of `rate` (as tc has it). */
export async function makeSlowLink(rate: string): Promise<SlowLink> {
  const nearAddress = "10.77.0.1";
  const hosts = await makeTwoHosts({
    name: "slow",
    near: [`${nearAddress}/24`],
    far: ["10.77.0.2/24"],
    shape: ["tbf", "rate", rate, "burst", "64kb", "latency", "100ms"],
  });
  return { ...hosts, nearAddress };
}
