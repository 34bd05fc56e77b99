/** Whether the caller may do what `up` does, as the API server itself answered. */
import type { ClusterFacts, RightFact } from "../facts.ts";
import { about, type Finding, few, type Remark, well } from "../finding.ts";
import type { Needs } from "../needs.ts";

const resourceText = ({ group, resource }: RightFact): string => (group === "" ? resource : `${resource}.${group}`);

/** Verbs without which an update fails; the others serve `ascend status`, replacement and `pulumi destroy`. */
const isNeeded = ({ resource, verb }: RightFact): boolean =>
  !["pods", "pods/log", "events"].includes(resource) && verb !== "delete";

const consequence = (denied: readonly RightFact[]): string => {
  if (denied.some(isNeeded)) return "an update fails";
  if (denied.some(({ resource, verb }) => resource === "pods" && verb === "create"))
    return "the admission of pods cannot be tried beforehand; updates need no such right";
  if (denied.some(({ verb }) => verb === "delete")) return "nothing can be replaced or destroyed";
  return "ascend status shows less";
};

function fixText(denied: readonly RightFact[], caller: string): string {
  const [first] = denied;
  if (first === undefined) return "";
  const verbs = denied.map(({ verb }) => verb).join(",");
  const kind = first.namespace === undefined ? "clusterrole" : "role";
  const place = first.namespace === undefined ? "" : ` --namespace ${first.namespace}`;
  const name = `ascend-${first.resource.replace("/", "-")}`;
  return `an administrator: kubectl create ${kind} ${name}${place} --verb=${verbs} --resource=${resourceText(first)}; kubectl create ${kind}binding ${name}${place} --${kind}=${name} --user=${caller || "<user>"}`;
}

/** One finding for each resource of which something is denied. */
export function rightFindings({ namespace }: Needs, { rights, caller }: ClusterFacts): readonly Finding[] {
  const byResource = Map.groupBy(rights, (right) => `${resourceText(right)} ${right.namespace ?? ""}`);
  const remarks = [...byResource.values()].flatMap((group): readonly Remark[] => {
    const denied = group.filter(({ isAllowed }) => !isAllowed);
    const [first] = denied;
    if (first === undefined) return [];
    // What fails an update and what only hinders a look are told apart, for their severities differ.
    return [denied.filter(isNeeded), denied.filter((right) => !isNeeded(right))]
      .filter((part) => part.length > 0)
      .map((part) => ({
        severity: part.some(isNeeded) ? "error" : "warning",
        where: `${resourceText(first)}${first.namespace === undefined ? "" : ` in ${first.namespace}`}`,
        what: `the caller may not ${few(
          part.map(({ verb }) => verb),
          6,
        )} them: ${consequence(part)}`,
        ...(caller === "" ? {} : { got: caller }),
        fix: fixText(part, caller),
      }));
  });
  return about("rights", remarks.length > 0 ? remarks : [well(namespace, `${rights.length} rights are granted`)]);
}
