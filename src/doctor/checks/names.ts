/** Whether names that the stack takes are taken by objects of somebody else: the engine creates, and would fail on them. */
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, type Remark, unseen, well } from "../finding.ts";
import { type Needs, objectKey, objectTitle } from "../needs.ts";

/** Labels that every object of a stack carries. */
const isOwn = (labels: Readonly<Record<string, string>>, stack: string): boolean =>
  labels["app.kubernetes.io/name"] === "ascend-stacks" && labels["app.kubernetes.io/instance"] === stack;

const resourceText = (kind: string, apiVersion: string): string =>
  apiVersion.includes("/") ? `${kind.toLowerCase()}.${apiVersion.split("/")[0]}` : kind.toLowerCase();

/** Names of all planned objects. */
export function nameFindings(needs: Needs, { existing }: ClusterFacts): readonly Finding[] {
  const remarks: Remark[] = [];
  let own = 0;
  let free = 0;
  for (const { manifest } of needs.objects) {
    const found = existing[objectKey(manifest)];
    const where = objectTitle(manifest);
    if (found === undefined) continue;
    if (!found.isKnown) {
      remarks.push(unseen(where, "whether the name is free", found.because));
      continue;
    }
    if (found.value === undefined) free += 1;
    else if (!isOwn(found.value.labels, needs.stack)) {
      const { namespace } = manifest.metadata;
      const place = namespace === undefined ? "" : `--namespace ${namespace} `;
      const owner = found.value.labels["app.kubernetes.io/instance"];
      remarks.push({
        severity: "error",
        where,
        what: "an object of this name is there and belongs to somebody else",
        got: owner === undefined ? "without the labels of this stack" : `of ${owner}`,
        expected: `app.kubernetes.io/instance=${needs.stack}`,
        fix: `rename the run or choose another namespace, or if nobody needs it: kubectl delete ${place}${resourceText(manifest.kind, manifest.apiVersion)} ${manifest.metadata.name}`,
      });
    } else if (found.value.isEnding) {
      remarks.push({
        severity: "warning",
        where,
        what: "the object is being deleted",
        got: "a deletion timestamp",
        fix: "wait for its end before the next update",
      });
    } else own += 1;
  }
  return about("names", [
    well(needs.namespace, `${free} names are free, ${own} objects are of this stack`),
    ...remarks,
  ]);
}
