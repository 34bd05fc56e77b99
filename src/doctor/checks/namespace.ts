/** The namespace of the stack as it is now. */
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, type Remark, unseen, well } from "../finding.ts";
import type { Needs } from "../needs.ts";

/** Label that carries the level of Pod Security that a namespace enforces. */
const levelLabel = "pod-security.kubernetes.io/enforce";

/** From the strictest to the widest. A namespace without the label enforces what the cluster says, usually nothing. */
const levels: readonly string[] = ["restricted", "baseline", "privileged"];

/** A stricter level on the cluster than in the plan refuses pods; the engine changes labels only if it changed them before. */
function levelRemarks({ namespace, objects }: Needs, labels: Readonly<Record<string, string>>): readonly Remark[] {
  const planned = objects.find(({ manifest }) => manifest.kind === "Namespace")?.manifest.metadata.labels[levelLabel];
  const live = labels[levelLabel];
  if (planned === undefined || live === undefined || levels.indexOf(live) >= levels.indexOf(planned)) return [];
  return [
    {
      severity: "warning",
      where: `Namespace ${namespace}`,
      what: "the namespace enforces a stricter level of Pod Security than the stack plans",
      got: live,
      expected: planned,
      fix: `pulumi refresh and pulumi up, or: kubectl label --overwrite namespace ${namespace} ${levelLabel}=${planned}`,
    },
  ];
}

/** Whether the namespace is there, stays there, and admits what the stack plans. Whose it is, the names tell. */
export function namespaceFindings(needs: Needs, { namespace: told }: ClusterFacts): readonly Finding[] {
  const where = `Namespace ${needs.namespace}`;
  if (!told.isKnown) return about("namespace", [unseen(where, "the namespace", told.because)]);
  if (told.value === undefined) return about("namespace", [well(where, "not there yet; the first update makes it")]);
  if (told.value.isEnding) {
    return about("namespace", [
      {
        severity: "error",
        where,
        what: "the namespace is being deleted: nothing can be created in it",
        got: "Terminating",
        expected: "Active",
        fix: `wait for its end; kubectl get namespace ${needs.namespace} --output yaml says what it waits for`,
      },
    ]);
  }
  return about("namespace", [well(where, "is there"), ...levelRemarks(needs, told.value.labels)]);
}
