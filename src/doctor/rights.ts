/** What the caller must be allowed to do so that `up` can: asked of the API server itself, one access review a question. */

import { dataAt } from "../workloads/rules/pod-templates.ts";
import type { Connection } from "./connection.ts";
import type { ClusterFacts, RightFact } from "./facts.ts";
import { type Needs, objectKey } from "./needs.ts";

/** Kinds whose readiness the engine waits for, which takes a watch. Source: the await logic of Pulumi's Kubernetes provider. */
const awaitedKinds: readonly string[] = ["Job", "PersistentVolumeClaim", "Service"];

type Question = Omit<RightFact, "isAllowed">;

/** What is known before rights are asked. */
export interface Served {
  readonly kinds: ClusterFacts["kinds"];
  readonly existing: ClusterFacts["existing"];
}

const groupOf = (apiVersion: string): string => (apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "");

/** Whether all objects of a kind that the stack plans are there already: then nothing of the kind has to be created. */
const areAllThere = ({ objects }: Needs, { existing }: Served, apiVersion: string, kind: string): boolean =>
  objects
    .filter(({ manifest }) => manifest.apiVersion === apiVersion && manifest.kind === kind)
    .every(({ manifest }) => {
      const found = existing[objectKey(manifest)];
      return found?.isKnown === true && found.value !== undefined;
    });

/** Everything that `up` does, and what `ascend status` reads, as questions. */
export function rightQuestions(needs: Needs, served: Served): readonly Question[] {
  const planned = new Map(
    needs.objects.map(({ manifest }) => [`${manifest.apiVersion} ${manifest.kind}`, manifest] as const),
  );
  const ofObjects = [...planned.values()].flatMap(({ apiVersion, kind }): readonly Question[] => {
    const known = served.kinds[apiVersion]?.find((candidate) => candidate.kind === kind);
    if (known === undefined) return [];
    const verbs = [
      "get",
      ...(areAllThere(needs, served, apiVersion, kind) ? [] : ["create"]),
      "patch",
      "delete",
      ...(awaitedKinds.includes(kind) && !apiVersion.startsWith("batch.volcano.sh/") ? ["list", "watch"] : []),
    ];
    const where = known.isNamespaced ? { namespace: needs.namespace } : {};
    return verbs.map((verb) => ({ group: groupOf(apiVersion), resource: known.plural, verb, ...where }));
  });
  const inNamespace = { group: "", namespace: needs.namespace };
  return [
    ...ofObjects,
    ...["list", "watch"].map((verb) => ({ ...inNamespace, resource: "pods", verb })),
    { ...inNamespace, resource: "pods", verb: "create" },
    { ...inNamespace, resource: "pods/log", verb: "get" },
    { ...inNamespace, resource: "events", verb: "list" },
  ];
}

/** The answers. */
export const askRights = ({ ask }: Connection, needs: Needs, served: Served): Promise<readonly RightFact[]> =>
  Promise.all(
    rightQuestions(needs, served).map(async (question) => {
      const { group, namespace, verb } = question;
      const [resource = "", subresource] = question.resource.split("/");
      const resourceAttributes = { group, resource, verb, namespace, subresource };
      const create = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes },
      };
      const { body } = await ask({ path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", create });
      return { ...question, isAllowed: dataAt(body, "status").allowed === true };
    }),
  );

/** Whether the caller may create objects of a resource. */
export const mayCreate = (rights: readonly RightFact[], apiVersion: string, plural: string): boolean =>
  rights.every(
    ({ group, resource, verb, isAllowed }) =>
      isAllowed || verb !== "create" || group !== groupOf(apiVersion) || resource !== plural,
  );
