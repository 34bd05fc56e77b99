/** What a virtual cluster holds besides its programs: the simulation's rules, its mark, storage, nodes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ApiException,
  ApiextensionsV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  loadYaml,
  StorageV1Api,
} from "@kubernetes/client-node";
import { type NodeShapeName, nodeShapeOf } from "../../src/hardware/node-shapes.ts";
import { simulatedNode, simulatedStorageClass, simulatedVolume, storageClass } from "./nodes.ts";
import { stageObjects } from "./simulation.ts";
import type { ClusterState } from "./state.ts";

/** The object by which other tools recognise a cluster that this one made. */
export const marker = { namespace: "kube-system", name: "ascend-stacks-virtual-cluster" } as const;

/** Claims that must find a volume at any time. */
const spareVolumes = 30;

/** Requests under way at once when many objects are made. */
const parallelRequests = 50;

const conflict = 409;

/** Makes an object unless it is there. */
async function ensure(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof ApiException) || error.code !== conflict) throw error;
  }
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: Math.min(parallelRequests, items.length) }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

/** kwok's own definitions, as its module ships them. */
function definitions(folder: string): readonly KubernetesObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => loadYaml<KubernetesObject>(readFileSync(join(folder, file), "utf8")));
}

/** Installs kwok's definitions and our stages. The definitions serve a moment after they are made. */
export async function installSimulation(configuration: KubeConfig, definitionsFolder: string): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(configuration);
  await inParallel(definitions(definitionsFolder), (definition) => ensure(() => api.create(definition)));
  await installObjects(configuration, stageObjects as readonly KubernetesObject[], true);
}

/** Makes objects that may be there already, several times until their kinds are served. */
export async function installObjects(
  configuration: KubeConfig,
  objects: readonly KubernetesObject[],
  isRetried = false,
): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(configuration);
  const deadline = Date.now() + (isRetried ? 20_000 : 0);
  for (const object of objects) {
    for (;;) {
      try {
        await ensure(() => api.create(object));
        break;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

/** Waits until the API server serves some kinds: a moment after their definitions were made. */
export async function waitUntilServed(
  configuration: KubeConfig,
  definitions_: readonly KubernetesObject[],
): Promise<void> {
  const api = configuration.makeApiClient(ApiextensionsV1Api);
  const deadline = Date.now() + 20_000;
  for (const { metadata } of definitions_) {
    for (;;) {
      const { status } = await api.readCustomResourceDefinition({ name: metadata?.name ?? "" });
      if (status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True")) break;
      if (Date.now() > deadline) throw new Error(`${metadata?.name} is not served after 20 s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Marks the cluster and gives it storage. */
export async function installBasics(configuration: KubeConfig, state: ClusterState): Promise<void> {
  const core = configuration.makeApiClient(CoreV1Api);
  const storage = configuration.makeApiClient(StorageV1Api);
  await ensure(() =>
    core.createNamespacedConfigMap({
      namespace: marker.namespace,
      body: { metadata: { name: marker.name }, data: { name: state.name, id: state.id } },
    }),
  );
  await ensure(() => storage.createStorageClass({ body: storageClass }));
  const volumes = await core.listPersistentVolume();
  const free = volumes.items.filter(
    ({ status }) => status?.phase === "Available" || status?.phase === "Pending",
  ).length;
  const first = volumes.items.length;
  const missing = Array.from(
    { length: Math.max(0, spareVolumes - free) },
    (_, index) => `${simulatedStorageClass}-${first + index + 1}`,
  );
  await inParallel(missing, (name) => ensure(() => core.createPersistentVolume({ body: simulatedVolume(name) })));
}

/** Makes the number of nodes of a shape right. Nodes of other shapes stay. */
export async function makeNodes(configuration: KubeConfig, shapeName: NodeShapeName, count: number): Promise<void> {
  const core = configuration.makeApiClient(CoreV1Api);
  const wanted = Array.from({ length: count }, (_, index) =>
    simulatedNode(shapeName, nodeShapeOf(shapeName), index + 1),
  );
  const there = new Set((await core.listNode()).items.map(({ metadata }) => metadata?.name ?? ""));
  await inParallel(
    wanted.filter(({ metadata }) => !there.has(metadata?.name ?? "")),
    (body) => ensure(() => core.createNode({ body })),
  );
  const names = new Set(wanted.map(({ metadata }) => metadata?.name));
  const surplus = [...there].filter((name) => name.startsWith(`${shapeName}-`) && !names.has(name));
  await inParallel(surplus, (name) => core.deleteNode({ name }));
}
