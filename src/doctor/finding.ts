/** What a check of the cluster has to say. */

/** What findings are about, in the order in which they are shown. */
export const topics = [
  "cluster",
  "definitions",
  "scheduler",
  "nodes",
  "capacity",
  "driver",
  "namespace",
  "names",
  "storage",
  "secrets",
  "priority",
  "quota",
  "network",
  "rights",
  "admission",
] as const;

/** One of them. */
export type Topic = (typeof topics)[number];

/** `error`: the stack cannot run as it is. `warning`: it may wait, or could not be checked. */
export const severities = ["error", "warning", "ok"] as const;

/** One of them. */
export type Severity = (typeof severities)[number];

/** One result of one check. */
export interface Finding {
  readonly topic: Topic;
  readonly severity: Severity;
  readonly what: string;
  /** The object, node or setting that it is about. */
  readonly where: string;
  readonly got?: string;
  readonly expected?: string;
  /** A command or a setting that mends it; every error has one. */
  readonly fix?: string;
}

/** A finding before its topic is known. */
export type Remark = Omit<Finding, "topic">;

/** Gives remarks their topic. */
export const about = (topic: Topic, remarks: readonly Remark[]): readonly Finding[] =>
  remarks.map((remark) => ({ topic, ...remark }));

/** A remark that all is well. */
export const well = (where: string, what: string): Remark => ({ severity: "ok", where, what });

/** A remark that something could not be looked at. */
export const unseen = (where: string, what: string, because: string): Remark => ({
  severity: "warning",
  where,
  what: `${what} could not be looked at`,
  got: because,
  fix: "run again as somebody who may read it",
});

/** A few words of many: `a, b, c and 5 more`. */
export function few(words: readonly string[], most = 3): string {
  const shown = words.slice(0, most).join(", ");
  return words.length > most ? `${shown} and ${words.length - most} more` : shown;
}
