/** The port of the metrics must be one that nothing else in the pod listens on. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { Environment } from "../../config/schema.ts";
import type { PlannedStage } from "../../pipeline/pipeline.ts";
import { metricsPortOf } from "../metrics-port.ts";
import { masterPort } from "../stage-objects.ts";

/** First and last port, and whose they are. */
interface Taken {
  readonly first: number;
  readonly last: number;
  readonly by: string;
}

/** HCCL takes this many ports from its base port. Source: CANN 9.0 reference of environment variables, HCCL_IF_BASE_PORT. */
const hostPorts = 16;
const usualBasePort = "60000";

/** Ports that HCCL listens on at the host's interface: a list of ranges, or else those behind the base port. */
function hcclPorts(variables: Readonly<Record<string, string>>): readonly Taken[] {
  const ranges = variables.HCCL_HOST_SOCKET_PORT_RANGE;
  if (ranges === "auto") return [];
  if (ranges !== undefined)
    return ranges.split(",").map((range) => {
      const [first = "", last = first] = range.split("-");
      return { first: Number(first), last: Number(last), by: "HCCL (HCCL_HOST_SOCKET_PORT_RANGE)" };
    });
  const base = Number(variables.HCCL_IF_BASE_PORT ?? usualBasePort);
  return [{ first: base, last: base + hostPorts - 1, by: "HCCL (HCCL_IF_BASE_PORT)" }];
}

/** A free port near the one that was asked for. */
function nearestFree(port: number, taken: readonly Taken[]): number {
  const isFree = (candidate: number): boolean =>
    candidate >= 1024 &&
    candidate <= 65_535 &&
    !taken.some(({ first, last }) => candidate >= first && candidate <= last);
  for (let distance = 1; distance < 65_535; distance += 1) {
    if (isFree(port - distance)) return port - distance;
    if (isFree(port + distance)) return port + distance;
  }
  return 0;
}

/** The ranks' meeting point and HCCL's ports come first: a training that cannot connect is worse off than one without metrics. */
export const metricsPortProblems = (environment: Environment, stages: readonly PlannedStage[]): readonly Diagnostic[] =>
  stages.flatMap((stage) => {
    const port = metricsPortOf(environment, stage.plan);
    if (port === undefined) return [];
    const meeting = masterPort(stage);
    const taken = [
      { first: meeting, last: meeting, by: "the ranks' rendezvous (training.masterPort)" },
      ...hcclPorts(stage.plan.environment),
    ];
    const owner = taken.find(({ first, last }) => port >= first && port <= last);
    if (owner === undefined) return [];
    return [
      {
        severity: "error",
        rule: "metrics-port-free",
        path: ["runs", stage.plan.run, "metricsPort"],
        what: `this port belongs to ${owner.by}`,
        got: `${port}`,
        allowed: `1024 to 65535 except ${taken.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(" and ")}, or 0 for no metrics`,
        nearest: [`${nearestFree(port, taken)}`],
        source: "CANN 9.0 reference of environment variables",
      },
    ];
  });
