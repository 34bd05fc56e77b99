/** Which nodes can take the pods of a workload: the same conditions as the scheduler's, one after another. */
import { listAt } from "../../workloads/rules/pod-templates.ts";
import type { ClusterFacts, NodeFact, PodFact, Taint } from "../facts.ts";
import { type Needs, npusOf, objectKey, type PodsNeed } from "../needs.ts";
import { textAt } from "../pod-demand.ts";
import { type Amounts, combine, plus } from "../quantity.ts";

/** Whether a pod's tolerations cover a taint. */
export const isTolerated = ({ template }: PodsNeed, taint: Taint): boolean =>
  listAt(template.pod, "tolerations").some((toleration) => {
    const key = textAt(toleration, "key");
    const effect = textAt(toleration, "effect");
    const isAnyValue = textAt(toleration, "operator") === "Exists";
    return (
      (effect === "" || effect === taint.effect) &&
      (key === "" ? isAnyValue : key === taint.key) &&
      (isAnyValue || textAt(toleration, "value") === taint.value)
    );
  });

/** Whether a node has every label. */
export const hasLabels = ({ labels }: NodeFact, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** Whether amounts cover a demand. */
export const covers = (amounts: Amounts, demand: Amounts): boolean =>
  Object.entries(demand).every(([name, amount]) => (amounts[name] ?? 0) >= amount);

/** Nodes of the cluster, sorted out for one workload. */
export interface NodeChoice {
  readonly selected: readonly NodeFact[];
  readonly notReady: readonly NodeFact[];
  readonly cordoned: readonly NodeFact[];
  readonly tainted: readonly NodeFact[];
  /** Ready, open, tolerated: pods may be placed there if there is room. */
  readonly open: readonly NodeFact[];
  /** Open nodes that are large enough while nothing else runs there. */
  readonly fitting: readonly NodeFact[];
}

/** Sorts out nodes: each falls out at the first condition that it does not meet. */
export function chooseNodes(nodes: readonly NodeFact[], pods: PodsNeed): NodeChoice {
  const selected = nodes.filter((node) => hasLabels(node, pods.nodeSelector));
  const ready = selected.filter(({ isReady }) => isReady);
  const uncordoned = ready.filter(({ isCordoned }) => !isCordoned);
  const open = uncordoned.filter(({ taints }) => taints.every((taint) => isTolerated(pods, taint)));
  return {
    selected,
    notReady: selected.filter(({ isReady }) => !isReady),
    cordoned: ready.filter(({ isCordoned }) => isCordoned),
    tainted: uncordoned.filter((node) => !open.includes(node)),
    open,
    fitting: open.filter(({ allocatable }) => covers(allocatable, pods.requests)),
  };
}

/** What is left of each node. */
export function freeAmounts(nodes: readonly NodeFact[], pods: readonly PodFact[]): ReadonlyMap<string, Amounts> {
  const taken = new Map<string, Amounts>();
  for (const { node, requests } of pods) taken.set(node, plus(taken.get(node) ?? {}, requests));
  return new Map(
    nodes.map(({ name, allocatable }) => [name, combine(allocatable, taken.get(name) ?? {}, (a, b) => a - b)]),
  );
}

/** The workload that asks most of the nodes: most NPUs in all, else most memory. */
export const largestNeed = ({ pods }: Needs): PodsNeed | undefined =>
  [...pods].sort(
    (left, right) =>
      right.count * npusOf(right) - left.count * npusOf(left) ||
      (right.requests.memory ?? 0) - (left.requests.memory ?? 0),
  )[0];

/** Workloads that are not there yet: those that are have their place already, or wait for it. */
export const pendingNeeds = ({ pods }: Needs, { existing }: ClusterFacts): readonly PodsNeed[] =>
  pods.filter(({ object }) => {
    const found = existing[objectKey(object.manifest)];
    return found?.isKnown !== true || found.value === undefined;
  });
