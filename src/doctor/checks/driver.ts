/** The driver of the nodes against the stack lock. */
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, few, type Remark, well } from "../finding.ts";
import { type Needs, npusOf } from "../needs.ts";
import { chooseNodes, largestNeed } from "./node-choice.ts";

/** Label by which the device plugin tells the version of a node's driver. Source: MindCluster 26.0.0, node labels. */
export const driverLabel = "huawei.com/driver.version";

/** What a driver version means for the image of a stack. */
export interface DriverVerdict {
  readonly verdict: "supported" | "untested" | "impossible";
  readonly what: string;
  readonly expected?: string;
}

/** Judges a driver version; comes from the stack lock. */
export type DriverJudge = (version: string) => DriverVerdict;

const severityOf = { supported: "ok", untested: "warning", impossible: "error" } as const;

function verdictRemark(version: string, nodes: readonly string[], judge: DriverJudge): Remark {
  const { verdict, what, expected } = judge(version);
  if (verdict === "supported") return well(few(nodes), `driver ${version} fits the image`);
  return {
    severity: severityOf[verdict],
    where: few(nodes),
    what,
    got: version,
    ...(expected === undefined ? {} : { expected }),
    fix: "update the driver of the nodes, or use an image whose CANN fits it (image.versions)",
  };
}

/** The drivers of the nodes that trainings would run on. */
export function driverFindings(needs: Needs, { nodes }: ClusterFacts, judge: DriverJudge): readonly Finding[] {
  const pods = largestNeed(needs);
  if (pods === undefined || npusOf(pods) === 0 || !nodes.isKnown) return [];
  const { open } = chooseNodes(nodes.value, pods);
  const byVersion = Map.groupBy(open, ({ labels }) => labels[driverLabel]);
  const silent = byVersion.get(undefined) ?? [];
  const told = [...byVersion].flatMap(([version, group]) =>
    version === undefined ? [] : [[version, group.map(({ name }) => name)] as const],
  );
  const mixed: readonly Remark[] =
    told.length < 2
      ? []
      : [
          {
            severity: "warning",
            where: few(told.map(([, group]) => group[0] ?? "")),
            what: "nodes have different drivers: the ranks of one training would run on several",
            got: few(told.map(([version]) => version)),
            fix: `add to cluster.nodeSelector: ${driverLabel}: "${told[0]?.[0]}"`,
          },
        ];
  const unknown: readonly Remark[] =
    silent.length === 0
      ? []
      : [
          {
            severity: "warning",
            where: few(silent.map(({ name }) => name)),
            what: "nodes do not tell the version of their driver",
            got: `no label ${driverLabel}`,
            fix: "look with npu-smi info on the node; MindCluster's device plugin sets the label",
          },
        ];
  return about("driver", [
    ...told.map(([version, group]) => verdictRemark(version, group, judge)),
    ...mixed,
    ...unknown,
  ]);
}
