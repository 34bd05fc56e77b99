/** Facts of a cluster on which everything fits, for tests of the checks: each test spoils what it is about. */
import type { ClusterFacts, NodeFact } from "../src/doctor/facts.ts";
import { told } from "../src/doctor/facts.ts";
import { type Needs, needsOf, objectKey } from "../src/doctor/needs.ts";
import { nodeShapeOf } from "../src/hardware/node-shapes.ts";
import { changedPlan, type EnvironmentData } from "./changed-stack.ts";

const gibi = 2 ** 30;

/** What a changed copy of a stack needs. */
export function changedNeeds(stack: string, change: (environment: EnvironmentData) => void = () => undefined): Needs {
  const { plan, objects } = changedPlan(stack, change);
  return needsOf(stack, plan.environment, objects);
}

/** A healthy node of a stack's shape. */
export function fittingNode({ environment }: Needs, number: number): NodeFact {
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  return {
    name: `node-${number}`,
    labels: {
      ...shape.nodeLabels,
      "kubernetes.io/arch": shape.architecture,
      "huawei.com/driver.version": "25.5.0",
    },
    isReady: true,
    isCordoned: false,
    taints: [],
    allocatable: {
      cpu: shape.processorCores,
      memory: shape.memoryGiB * gibi,
      pods: 110,
      [shape.resourceName]: shape.npusPerNode,
    },
  };
}

/** A cluster on which a stack fits, with as many nodes as it may use and nothing of the stack yet. */
export function fittingFacts(needs: Needs): ClusterFacts {
  const { objects, environment } = needs;
  const versions = [...new Set(objects.map(({ manifest }) => manifest.apiVersion))];
  const kindsOf = (version: string) => [
    ...new Set(objects.filter(({ manifest }) => manifest.apiVersion === version).map(({ manifest }) => manifest.kind)),
  ];
  const groups = Object.fromEntries(
    [...versions, "scheduling.volcano.sh/v1beta1"]
      .filter((version) => version.includes("/"))
      .map((version) => version.split("/"))
      .map(([group = "", version = ""]) => [group, [version]]),
  );
  const running = (name: string) => ({ name, wanted: 1, ready: 1 });
  return {
    server: "https://cluster.example.com",
    caller: "deployer",
    version: "v1.34.1",
    groups: { "": ["v1"], ...groups },
    kinds: Object.fromEntries(
      versions.map((version) => [
        version,
        kindsOf(version).map((kind) => ({
          kind,
          plural: `${kind.toLowerCase()}s`,
          isNamespaced: kind !== "Namespace",
        })),
      ]),
    ),
    nodes: told(Array.from({ length: environment.cluster.nodes }, (_, index) => fittingNode(needs, index + 1))),
    pods: told([]),
    namespace: told(undefined),
    existing: Object.fromEntries(objects.map(({ manifest }) => [objectKey(manifest), told(undefined)])),
    claims: told([]),
    storageClasses: told(
      ["simulated", "shared"].map((name) => ({
        name,
        provisioner: "nfs.csi.k8s.io",
        isDefault: false,
        waitsForPod: false,
      })),
    ),
    secrets: {},
    priorityClasses: told([]),
    quotas: told([]),
    controllers: {
      "kube-system": told([running("ascend-device-plugin-daemonset-910")]),
      "volcano-system": told([running("volcano-scheduler"), running("volcano-controllers")]),
      "mindx-dl": told([running("ascend-operator-manager"), running("clusterd")]),
      "jobset-system": told([running("jobset-controller-manager")]),
    },
    volcanoConfiguration: told(
      'plugins:\n- name: volcano-npu_v26.0.0_linux-aarch64\narguments: {"super-pod-size": "48"}',
    ),
    queues: { default: told({ state: "Open", capability: {} }) },
    localQueues: {},
    dnsServices: told(1),
    rights: [{ group: "batch", resource: "jobs", verb: "create", namespace: needs.namespace, isAllowed: true }],
    trials: [],
  };
}

/** Marks an object of a stack as there, with the stack's own labels unless others are given. */
export function withExisting(
  facts: ClusterFacts,
  needs: Needs,
  kind: string,
  name: string,
  labels?: Readonly<Record<string, string>>,
): ClusterFacts {
  const object = needs.objects.find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === name);
  if (object === undefined) throw new Error(`no ${kind} ${name}`);
  const fact = { labels: labels ?? object.manifest.metadata.labels, isEnding: false };
  return { ...facts, existing: { ...facts.existing, [objectKey(object.manifest)]: told(fact) } };
}
