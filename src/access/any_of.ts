/**
 * Several ways to be let in.
 *
 * @module
 */
import type { Access, AccessFault, AccessQuestion, Action, Decision, Ruling } from "./access.ts";

/** Lets everybody do this. */
export function openFor(actions: readonly Action[]): Access {
  return {
    authorize: ({ action }) =>
      actions.includes(action) || (action === "connect" && actions.includes("watch"))
        ? "allowed"
        : "unknown",
  };
}

/** Lets those in whom one of these lets in. They are asked in turn. */
export function anyOf(ways: readonly Access[]): Access {
  const changing = ways.filter((way) => way.onChange !== undefined);
  return {
    needsToken: ways.every((way) => way.needsToken === true),
    authorize: (question) => ask(ways, question, undefined),
    onChange: (listener) => {
      const ends = changing.map((way) => way.onChange!(listener));
      return () => ends.forEach((end) => end());
    },
  };
}

function ask(
  [way, ...others]: readonly Access[],
  question: AccessQuestion,
  worst: Ruling | undefined,
): Ruling | Promise<Ruling> {
  if (way === undefined) return worst ?? { decision: "unknown" };
  const next = (answer: Decision | Ruling) => {
    const ruling = typeof answer === "string" ? { decision: answer } : answer;
    if (ruling.decision === "allowed") return ruling;
    const tells = worst === undefined || rank(ruling) > rank(worst);
    return ask(others, question, tells ? ruling : worst);
  };
  const answer = way.authorize(question);
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

/** The later one is told where several are true. */
const FAULTS: readonly AccessFault[] = [
  "none",
  "wrong",
  "early",
  "expired",
  "revoked",
  "action",
  "stream",
];

/** How much a refusal tells. */
function rank({ decision, fault }: Ruling): number {
  // It may be right.
  if (decision === "limited") return FAULTS.length + 1;
  if (fault !== undefined) return FAULTS.indexOf(fault);
  return decision === "forbidden" ? FAULTS.length : -1;
}
