/**
 * Reads what the checks look at. Nothing is ever changed: there are reads, access reviews, and creations as server-side dry runs.
 * The number of requests grows with the stack's objects, not with the cluster: nodes and pods come in pages of a thousand.
 */
import type { Data } from "../workloads/rules/pod-templates.ts";
import { listAt } from "../workloads/rules/pod-templates.ts";
import { componentsFor, volcanoNamespace } from "./components.ts";
import type { Answer, Connection, Question } from "./connection.ts";
import { type ClusterFacts, type ServedKind, type Told, told, untold } from "./facts.ts";
import {
  localQueueNames,
  type Needs,
  objectKey,
  priorityClassNames,
  pullSecretNames,
  queueNames,
  secretKeys,
} from "./needs.ts";
import { textAt } from "./pod-demand.ts";
import {
  claimFact,
  controllerFact,
  existingFact,
  nameOf,
  namespaceFact,
  nodeFact,
  podFact,
  queueFact,
  quotaFact,
  secretFact,
  storageClassFact,
} from "./read-objects.ts";
import { askRights } from "./rights.ts";
import { tryCreations } from "./trials.ts";

const success = 200;
const notFound = 404;

/** Why the server said no, in its own words. */
const refusal = ({ status, body }: Answer): string => textAt(body, "message") || `the API server answered ${status}`;

/** One object: a fact, undefined when it is not there, or why it may not be read. */
async function readOne<Fact>(
  { ask }: Connection,
  question: Question,
  fact: (object: Data) => Fact,
): Promise<Told<Fact | undefined>> {
  const answer = await ask(question);
  if (answer.status === success) return told(fact(answer.body));
  return answer.status === notFound ? told(undefined) : untold(refusal(answer));
}

/** All objects of a list, page by page. */
async function readAll<Fact>(
  { ask }: Connection,
  path: string,
  fact: (object: Data) => Fact,
  query: Readonly<Record<string, string>> = {},
): Promise<Told<readonly Fact[]>> {
  const facts: Fact[] = [];
  let next = "";
  do {
    const answer = await ask({
      path,
      query: { ...query, limit: "1000", ...(next === "" ? {} : { continue: next }) },
    });
    if (answer.status !== success) return untold(refusal(answer));
    for (const item of listAt(answer.body, "items")) facts.push(fact(item));
    next = textAt(answer.body, "metadata", "continue");
  } while (next !== "");
  return told(facts);
}

const inOrder = async <Value>(
  keys: readonly string[],
  read: (key: string) => Promise<Value>,
): Promise<Readonly<Record<string, Value>>> =>
  Object.fromEntries(await Promise.all([...new Set(keys)].map(async (key) => [key, await read(key)] as const)));

/** Path of an API version. */
export const versionPath = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

async function readGroups({ ask }: Connection): Promise<ClusterFacts["groups"]> {
  const { body } = await ask({ path: "/apis" });
  const named = listAt(body, "groups").map(
    (group) => [textAt(group, "name"), listAt(group, "versions").map((entry) => textAt(entry, "version"))] as const,
  );
  return { "": ["v1"], ...Object.fromEntries(named) };
}

const servedKind = (resource: Data): ServedKind => ({
  kind: textAt(resource, "kind"),
  plural: textAt(resource, "name"),
  isNamespaced: resource.namespaced === true,
});

async function readKinds({ ask }: Connection, { objects }: Needs): Promise<ClusterFacts["kinds"]> {
  const versions = [...new Set(["v1", ...objects.map(({ manifest }) => manifest.apiVersion)])];
  const answers = await Promise.all(
    versions.map(async (version) => [version, await ask({ path: versionPath(version) })] as const),
  );
  return Object.fromEntries(
    answers
      .filter(([, { status }]) => status === success)
      .map(([version, { body }]) => [
        version,
        listAt(body, "resources")
          .filter((resource) => !textAt(resource, "name").includes("/"))
          .map(servedKind),
      ]),
  );
}

const readExisting = (
  connection: Connection,
  { objects, namespace }: Needs,
  kinds: ClusterFacts["kinds"],
): Promise<ClusterFacts["existing"]> => {
  const served = objects.flatMap(({ manifest }) => {
    const kind = kinds[manifest.apiVersion]?.find((candidate) => candidate.kind === manifest.kind);
    if (kind === undefined) return [];
    const place = kind.isNamespaced ? `/namespaces/${manifest.metadata.namespace ?? namespace}` : "";
    const path = `${versionPath(manifest.apiVersion)}${place}/${kind.plural}/${manifest.metadata.name}`;
    return [[objectKey(manifest), path] as const];
  });
  const paths = Object.fromEntries(served);
  return inOrder(Object.keys(paths), (key) =>
    readOne(connection, { path: paths[key] ?? "", metadataOnly: true }, existingFact),
  );
};

function readControllers(connection: Connection, needs: Needs): Promise<ClusterFacts["controllers"]> {
  const components = componentsFor(needs);
  return inOrder(
    components.map(({ namespace }) => namespace),
    async (namespace) => {
      const kinds = new Set(components.filter((one) => one.namespace === namespace).map(({ kind }) => kind));
      const lists = await Promise.all(
        [...kinds].map((kind) =>
          readAll(connection, `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`, controllerFact),
        ),
      );
      return lists.find(({ isKnown }) => !isKnown) ?? told(lists.flatMap((list) => (list.isKnown ? list.value : [])));
    },
  );
}

const readVolcanoConfiguration = (connection: Connection): Promise<Told<string | undefined>> =>
  readOne(
    connection,
    { path: `/api/v1/namespaces/${volcanoNamespace}/configmaps/volcano-scheduler-configmap` },
    (configuration) => textAt(configuration, "data", "volcano-scheduler.conf"),
  );

async function readCaller({ ask }: Connection): Promise<string> {
  const create = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const { body } = await ask({ path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", create });
  return textAt(body, "status", "userInfo", "username");
}

/**
 * Everything that the checks of a stack look at.
 *
 * @throws UnreachableError when the cluster cannot be asked
 */
export async function gather(connection: Connection, needs: Needs): Promise<ClusterFacts> {
  const { ask, server } = connection;
  // Asked alone and first: a cluster that cannot be reached is told of once.
  const version = textAt((await ask({ path: "/version" })).body, "gitVersion");
  const [groups, kinds] = await Promise.all([readGroups(connection), readKinds(connection, needs)]);
  const inNamespace = `/api/v1/namespaces/${needs.namespace}`;
  const secretNames = [...pullSecretNames(needs), ...secretKeys(needs).map(({ secret }) => secret)];
  const [namespace, existing] = await Promise.all([
    readOne(connection, { path: inNamespace }, namespaceFact),
    readExisting(connection, needs, kinds),
  ]);
  const rights = await askRights(connection, needs, { kinds, existing });
  const [caller, nodes, pods, claims, storageClasses, secrets, priorityClasses, quotas] = await Promise.all([
    readCaller(connection),
    readAll(connection, "/api/v1/nodes", nodeFact),
    readAll(connection, "/api/v1/pods", podFact, {
      fieldSelector: "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed",
    }),
    readAll(connection, `${inNamespace}/persistentvolumeclaims`, claimFact),
    readAll(connection, "/apis/storage.k8s.io/v1/storageclasses", storageClassFact),
    inOrder(secretNames, (name) => readOne(connection, { path: `${inNamespace}/secrets/${name}` }, secretFact)),
    priorityClassNames(needs).length === 0
      ? told<readonly string[]>([])
      : readAll(connection, "/apis/scheduling.k8s.io/v1/priorityclasses", nameOf),
    readAll(connection, `${inNamespace}/resourcequotas`, quotaFact),
  ]);
  const [controllers, volcanoConfiguration, queues, localQueues, dnsServices] = await Promise.all([
    readControllers(connection, needs),
    readVolcanoConfiguration(connection),
    inOrder(queueNames(needs), (name) =>
      readOne(connection, { path: `/apis/scheduling.volcano.sh/v1beta1/queues/${name}` }, queueFact),
    ),
    inOrder(localQueueNames(needs), async (name) => {
      const path = `/apis/kueue.x-k8s.io/v1beta1/namespaces/${needs.namespace}/localqueues/${name}`;
      const found = await readOne(connection, { path, metadataOnly: true }, existingFact);
      return found.isKnown ? told(found.value !== undefined) : found;
    }),
    readAll(connection, "/api/v1/namespaces/kube-system/services", nameOf, { labelSelector: "k8s-app=kube-dns" }),
  ]);
  const seen = { kinds, existing, rights, namespace };
  return {
    ...{ server, caller, version, groups, nodes, pods, claims, storageClasses, secrets, priorityClasses, quotas },
    ...{ controllers, volcanoConfiguration, queues, localQueues, ...seen },
    dnsServices: dnsServices.isKnown ? told(dnsServices.value.length) : dnsServices,
    trials: await tryCreations(connection, needs, seen),
  };
}
