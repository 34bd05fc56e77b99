/** Whether there is room now for the stages that do not run yet: allocatable less what running pods requested. */
import type { ClusterFacts, NodeFact } from "../facts.ts";
import { about, type Finding, type Remark, unseen, well } from "../finding.ts";
import { type Needs, npusOf, objectTitle, type PodsNeed } from "../needs.ts";
import { type Amounts, amountText } from "../quantity.ts";
import { chooseNodes, covers, freeAmounts, pendingNeeds } from "./node-choice.ts";

type Free = ReadonlyMap<string, Amounts>;

/** For each resource that is short: on how many nodes there is enough of it. */
function shortText(nodes: readonly NodeFact[], free: Free, pods: PodsNeed): string {
  return Object.entries(pods.requests)
    .map(([name, amount]) => {
      const enough = nodes.filter((node) => (free.get(node.name)?.[name] ?? 0) >= amount).length;
      const total = nodes.reduce((sum, node) => sum + Math.max(0, free.get(node.name)?.[name] ?? 0), 0);
      return { name, amount, enough, total };
    })
    .filter(({ enough }) => enough < pods.count)
    .map(
      ({ name, amount, enough, total }) =>
        `${name}: ${enough} of ${nodes.length} nodes have ${amountText(name, amount)} free (${amountText(name, total)} in all)`,
    )
    .join("; ");
}

/** NPUs of one logical super pod, as the job or its pods say. */
const blockOf = ({ object, template }: PodsNeed): number =>
  Number(object.manifest.metadata.annotations["sp-block"] ?? template.annotations["sp-block"] ?? 0);

/** Blocks of whole nodes that fit into super pods of their own. */
function superPodRemark(pods: PodsNeed, room: readonly NodeFact[]): Remark | undefined {
  const nodesPerBlock = blockOf(pods) / npusOf(pods);
  if (pods.count < 2 || !(nodesPerBlock > 1) || room.every(({ superPod }) => superPod === undefined)) return undefined;
  const sizes = new Map<string, number>();
  for (const { superPod } of room) if (superPod !== undefined) sizes.set(superPod, (sizes.get(superPod) ?? 0) + 1);
  const blocks = [...sizes.values()].reduce((sum, nodes) => sum + Math.floor(nodes / nodesPerBlock), 0);
  const wanted = Math.ceil(pods.count / nodesPerBlock);
  if (blocks >= wanted) return undefined;
  return {
    severity: "warning",
    where: objectTitle(pods.object.manifest),
    what: `too few super pods have ${nodesPerBlock} free nodes each, so it would wait`,
    got: `${blocks} blocks of ${nodesPerBlock} nodes`,
    expected: `${wanted}`,
    fix: "wait until nodes of one super pod are free, or set cluster.superPod.block to fewer NPUs",
  };
}

function capacityRemark(nodes: readonly NodeFact[], free: Free, pods: PodsNeed): Remark | undefined {
  const { fitting } = chooseNodes(nodes, pods);
  // Nodes that could never take the pods are told of elsewhere.
  if (fitting.length < pods.count) return undefined;
  const title = objectTitle(pods.object.manifest);
  const room = fitting.filter(({ name }) => covers(free.get(name) ?? {}, pods.requests));
  if (room.length < pods.count) {
    return {
      severity: "warning",
      where: title,
      what:
        pods.kind === "npu"
          ? "other pods hold what it needs, so it would wait"
          : "other pods hold what it needs, so the update would wait for it",
      got: shortText(fitting, free, pods),
      expected: `${pods.count} ${pods.count === 1 ? "node" : "nodes"} with room at the same time`,
      fix: "kubectl get pods --all-namespaces --output wide shows who runs there; wait, or use fewer nodes (runs.<run>.nodes)",
    };
  }
  return (
    superPodRemark(pods, room) ??
    well(title, `${room.length} nodes have room for its ${pods.count === 1 ? "pod" : `${pods.count} pods`} now`)
  );
}

/** Room for every stage that is not there yet. */
export function capacityFindings(needs: Needs, facts: ClusterFacts): readonly Finding[] {
  const pending = pendingNeeds(needs, facts);
  if (pending.length === 0 || !facts.nodes.isKnown) return [];
  if (!facts.pods.isKnown)
    return about("capacity", [unseen("pods of all namespaces", "free room", facts.pods.because)]);
  const { value: nodes } = facts.nodes;
  const free = freeAmounts(nodes, facts.pods.value);
  return about(
    "capacity",
    pending.map((pods) => capacityRemark(nodes, free, pods)).filter((remark) => remark !== undefined),
  );
}
