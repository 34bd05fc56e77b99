/** Whether the API server serves every kind that the stack makes, in the version that it makes it in. */
import { isPlacedByVolcano } from "../../kubernetes/npus.ts";
import { groupOwners } from "../components.ts";
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, few, type Remark, well } from "../finding.ts";
import type { Needs } from "../needs.ts";

const titleOf = (apiVersion: string, kind: string): string => `${kind} (${apiVersion})`;

function missing({ groups }: ClusterFacts, apiVersion: string, kind: string): Remark {
  const [group = ""] = apiVersion.includes("/") ? apiVersion.split("/") : [""];
  const versions = groups[group];
  const owner = groupOwners[group];
  return {
    severity: "error",
    where: titleOf(apiVersion, kind),
    what: `the cluster does not know this kind${owner === undefined ? "" : ` of ${owner.title}`}`,
    got:
      versions === undefined
        ? `no group ${group}`
        : versions.map((version) => `${group}/${version}`).join(", ") || `group ${group}`,
    expected: apiVersion,
    fix: owner?.fix ?? "use a cluster that serves it",
  };
}

/** One finding for each kind that is missing, and one for those that are there. */
export function definitionFindings({ environment, objects, pods }: Needs, facts: ClusterFacts): readonly Finding[] {
  const wanted = new Map(
    objects.map(({ manifest: { apiVersion, kind } }) => [titleOf(apiVersion, kind), { apiVersion, kind }]),
  );
  const isServed = ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): boolean =>
    facts.kinds[apiVersion]?.some((served) => served.kind === kind) === true;
  const absent = [...wanted.values()].filter((one) => !isServed(one));
  const present = [...wanted.keys()].filter(
    (title) => !absent.some((one) => titleOf(one.apiVersion, one.kind) === title),
  );
  const custom = present.filter((title) => Object.keys(groupOwners).some((group) => title.includes(`(${group}/`)));
  const needsGroups = isPlacedByVolcano(environment) && pods.some(({ kind }) => kind === "npu");
  const hasGroups = facts.groups["scheduling.volcano.sh"] !== undefined;
  return about("definitions", [
    ...absent.map(({ apiVersion, kind }) => missing(facts, apiVersion, kind)),
    ...(needsGroups && !hasGroups ? [missing(facts, "scheduling.volcano.sh/v1beta1", "PodGroup")] : []),
    ...(absent.length === 0
      ? [
          well(
            "all kinds",
            `${wanted.size} kinds are served${custom.length === 0 ? "" : `, among them ${few(custom)}`}`,
          ),
        ]
      : []),
  ]);
}
