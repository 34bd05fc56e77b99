/** Whether the nodes that the largest stage needs are there, ready, open to its pods, and of the right kind. */
import { npuResourceName, shapeOf } from "../../kubernetes/npus.ts";
import type { ClusterFacts, NodeFact } from "../facts.ts";
import { about, type Finding, few, type Remark, unseen, well } from "../finding.ts";
import { type Needs, npusOf, objectTitle, type PodsNeed } from "../needs.ts";
import { chooseNodes, isTolerated, largestNeed, type NodeChoice } from "./node-choice.ts";

const names = (nodes: readonly NodeFact[]): string => few(nodes.map(({ name }) => name));

/** Which label of the selector keeps how many nodes out. */
function selectorText(nodes: readonly NodeFact[], { nodeSelector }: PodsNeed): string {
  const counts = Object.entries(nodeSelector).map(([key, value]) => {
    const fitting = nodes.filter(({ labels }) => labels[key] === value).length;
    const others = [...new Set(nodes.map(({ labels }) => labels[key]))].filter((other) => other !== value);
    const seen = others.map((other) => other ?? "none");
    return `${fitting} of ${nodes.length} nodes have ${key}=${value}${fitting === 0 && seen.length > 0 ? ` (seen: ${few(seen)})` : ""}`;
  });
  return counts.length === 0 ? `${nodes.length} nodes` : counts.join("; ");
}

function selectionRemarks(nodes: readonly NodeFact[], pods: PodsNeed, { selected }: NodeChoice): readonly Remark[] {
  if (selected.length >= pods.count) return [];
  const [key, value] = Object.entries(pods.nodeSelector).find(
    ([label, wanted]) => nodes.filter(({ labels }) => labels[label] === wanted).length < pods.count,
  ) ?? ["<label>", "<value>"];
  return [
    {
      severity: "error",
      where: objectTitle(pods.object.manifest),
      what: `too few nodes have the labels that its ${pods.count === 1 ? "pod asks" : `${pods.count} pods ask`} for`,
      got: selectorText(nodes, pods),
      expected: `${pods.count} or more`,
      fix: `kubectl label node <node> ${key}=${value}, or change cluster.nodeSelector or cluster.nodeShape`,
    },
  ];
}

/** One remark for each reason that keeps nodes out: an error when too few are left. */
function closedRemarks(pods: PodsNeed, choice: NodeChoice): readonly Remark[] {
  const severity = choice.open.length < pods.count ? "error" : "warning";
  const remark = (nodes: readonly NodeFact[], what: string, fix: string): readonly Remark[] =>
    nodes.length === 0
      ? []
      : [
          {
            severity,
            where: names(nodes),
            what,
            got: `${nodes.length} of ${choice.selected.length} nodes; ${choice.open.length} are left`,
            expected: `${pods.count} or more`,
            fix,
          },
        ];
  const [ill] = choice.notReady;
  const [cordoned] = choice.cordoned;
  const [tainted] = choice.tainted;
  const taint = tainted?.taints.find((one) => !isTolerated(pods, one));
  const tolerance = `{ key: ${taint?.key}, operator: Exists, effect: ${taint?.effect} }`;
  return [
    ...remark(choice.notReady, "nodes are not Ready", `kubectl describe node ${ill?.name}`),
    ...remark(choice.cordoned, "nodes are cordoned", `kubectl uncordon ${cordoned?.name}`),
    ...remark(
      choice.tainted,
      `nodes have the taint ${taint?.key}:${taint?.effect}, which its pods do not tolerate`,
      `add to cluster.tolerations: ${tolerance}`,
    ),
  ];
}

/** Whether the device plugin publishes the NPUs under the expected name, all of them. */
function publishedRemarks(needs: Needs, pods: PodsNeed, { open, fitting }: NodeChoice): readonly Remark[] {
  const resource = npuResourceName(needs.environment);
  const wanted = npusOf(pods);
  const { npusPerNode } = shapeOf(needs.environment);
  if (wanted === 0 || open.length === 0) return [];
  const published = open.filter(({ allocatable }) => (allocatable[resource] ?? 0) > 0);
  const others = [
    ...new Set(
      open.flatMap(({ allocatable }) => Object.keys(allocatable).filter((name) => /^huawei\.com\//.test(name))),
    ),
  ].filter((name) => name !== resource);
  if (published.length === 0) {
    return [
      {
        severity: "error",
        where: names(open),
        what: `no node publishes ${resource}`,
        got: others.length === 0 ? "no NPU resource" : few(others),
        expected: `${wanted} on each of ${pods.count} nodes`,
        fix:
          others.length === 0
            ? "install the device plugin, or look at its log: kubectl -n kube-system logs -l name=ascend-device-plugin-ds"
            : `set cluster.resourceName to ${others[0]}, or cluster.resourcePreset to who publishes it`,
      },
    ];
  }
  const partial = published.filter(({ allocatable }) => (allocatable[resource] ?? 0) < npusPerNode);
  const isShort = fitting.length < pods.count;
  const remark = (nodes: readonly NodeFact[], what: string, got: string, expected: string): Remark => ({
    severity: isShort ? "error" : "warning",
    where: names(nodes),
    what,
    got,
    expected,
    fix: "kubectl describe node shows what is allocatable; see the device plugin's log for NPUs that it took out",
  });
  if (partial.length > 0) {
    const counts = partial.map(({ allocatable }) => allocatable[resource] ?? 0);
    return [
      remark(
        partial,
        "nodes publish fewer NPUs than their kind has: some are unhealthy, or the nodes are of another kind",
        `${few([...new Set(counts)].map(String))} ${resource}`,
        String(npusPerNode),
      ),
    ];
  }
  if (!isShort) return [];
  return [
    remark(
      open,
      "too few nodes are large enough for its pods",
      `${fitting.length} nodes`,
      `${pods.count} nodes with ${demand(pods)}`,
    ),
  ];
}

const demand = ({ requests }: PodsNeed): string =>
  Object.entries(requests)
    .map(([name, amount]) => `${name} ${name === "memory" ? `${Math.round(amount / 2 ** 30)}Gi` : amount}`)
    .join(", ");

/** Labels that tell chips apart, the more exact one first. */
const chipLabels = ["node.kubernetes.io/npu.chip.name", "accelerator-type"] as const;

/**
 * Nodes of A2 and A3 publish the same resource, and the scheduler looks at free NPUs, not at the chip. Without a label that tells
 * them apart pods land on either. Source: MindCluster 26.0.0, handlers of Volcano's plugin.
 */
function mixRemarks({ environment }: Needs, pods: PodsNeed, { open }: NodeChoice): readonly Remark[] {
  const resource = npuResourceName(environment);
  const { npusPerNode, nodeLabels, product } = shapeOf(environment);
  if (npusOf(pods) === 0) return [];
  const label = chipLabels.find((key) => new Set(open.flatMap(({ labels }) => labels[key] ?? [])).size > 1);
  const strange = open.filter(
    ({ allocatable, labels }) =>
      (allocatable[resource] ?? 0) > npusPerNode ||
      (label !== undefined && nodeLabels[label] !== undefined && labels[label] !== nodeLabels[label]),
  );
  const known = open.filter((node) => !strange.includes(node));
  if (strange.length === 0 || known.length === 0) return [];
  const key = label ?? chipLabels[0];
  const value = known.map(({ labels }) => labels[key]).find((one) => one !== undefined);
  return [
    {
      severity: "error",
      where: names(strange),
      what: `nodes of several kinds publish ${resource}, and nothing keeps pods off those that are no ${product}`,
      got: `${strange.length} of ${open.length} nodes are of another kind`,
      fix:
        value === undefined
          ? `label the nodes with their chip, and name the label in cluster.nodeSelector`
          : `add to cluster.nodeSelector: ${key}: ${value}`,
    },
  ];
}

/** The nodes for the largest stage; the other stages ask for less of the same. */
export function nodeFindings(needs: Needs, { nodes }: ClusterFacts): readonly Finding[] {
  const pods = largestNeed(needs);
  if (pods === undefined) return [];
  if (!nodes.isKnown) return about("nodes", [unseen("nodes", "the nodes", nodes.because)]);
  const choice = chooseNodes(nodes.value, pods);
  const remarks = [
    ...selectionRemarks(nodes.value, pods, choice),
    ...closedRemarks(pods, choice),
    ...publishedRemarks(needs, pods, choice),
    ...mixRemarks(needs, pods, choice),
  ];
  const isEnough = choice.fitting.length >= pods.count;
  const title = objectTitle(pods.object.manifest);
  const good = well(
    title,
    `${choice.fitting.length} nodes can take its ${pods.count === 1 ? "pod" : `${pods.count} pods`}`,
  );
  return about("nodes", isEnough ? [good, ...remarks] : remarks);
}
