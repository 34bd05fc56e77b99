import { describe, expect, it } from "vitest";
import { type ClusterChange, gang, placed, schedulers } from "../../tests/placed.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { type Data, dataAt, listAt, templatesOf } from "./rules/pod-templates.ts";

/** One stage as each workload kind: exact specs, equal pods. What controllers make of them is shown elsewhere or not at all. */

const name = "t2v-93x480p-pretrain";
const template = expect.objectContaining({ spec: expect.objectContaining({ restartPolicy: "Never" }) });
const hopeless = [70, 71, 72, 73, 74, 75, 76, 77];

const contractOf = (objects: readonly PlannedObject[]): Data => {
  const files = objects.find((object) => object.name === `${name}-files`);
  return JSON.parse(String(dataAt(files?.manifest ?? {}, "data")["contract.json"]));
};
const rendezvousOf = (objects: readonly PlannedObject[]): Data => dataAt(contractOf(objects), "launch", "rendezvous");

/** The containers' variables by name. */
const variablesOf = (pod: Data): Data =>
  Object.fromEntries(
    listAt(listAt(pod, "containers")[0] ?? {}, "env").map(({ name: variable, value, valueFrom }) => [
      String(variable),
      value ?? valueFrom,
    ]),
  );

const kinds = Object.entries(schedulers);

describe("the pods of one stage", () => {
  /** What the scheduler brings: DNS, the scheduler's own name, the port that the operator looks for, NPUs that a plugin chooses. */
  const normalised = (pod: Data): Data => {
    const { subdomain: _, schedulerName: __, containers, ...rest } = pod;
    const [container = {}] = containers as readonly Data[];
    const { ports: ___, env, ...inner } = container;
    const variables = (env as readonly Data[]).filter((variable) => variable.name !== "ASCEND_VISIBLE_DEVICES");
    const volumes = (rest.volumes as readonly Data[]).map((volume) => (volume.name === "files" ? {} : volume));
    return { ...rest, volumes, containers: [{ ...inner, env: variables }] };
  };
  const pods = (cluster: ClusterChange) =>
    templatesOf(placed(cluster).training.manifest).map(({ pod }) => normalised(pod));
  const [reference] = pods({ scheduler: schedulers.job });

  it.each(kinds)("are equal on %s but for what the scheduler brings", (_, scheduler) => {
    for (const pod of pods({ scheduler })) expect(pod).toEqual(reference);
  });

  it.each(kinds)("read their NPUs from the plugin's choice exactly where there is a plugin: %s", (kind, scheduler) => {
    const isPlugin = !["job", "jobSet"].includes(kind);
    for (const { pod } of templatesOf(placed({ scheduler }).training.manifest)) {
      expect(variablesOf(pod).ASCEND_VISIBLE_DEVICES).toEqual(
        isPlugin ? { fieldRef: { fieldPath: "metadata.annotations['huawei.com/Ascend910']" } } : undefined,
      );
    }
    for (const resourcePreset of ["cce", "hami"] as const)
      for (const { pod } of templatesOf(placed({ scheduler, resourcePreset }).training.manifest))
        expect(variablesOf(pod)).not.toHaveProperty("ASCEND_VISIBLE_DEVICES");
  });

  it.each([
    ["mindcluster", "huawei.com/Ascend910"],
    ["cce", "huawei.com/ascend-1980"],
    ["hami", "huawei.com/Ascend910B3"],
  ] as const)("ask for the resource that %s publishes", (resourcePreset, resource) => {
    for (const { pod } of templatesOf(placed({ resourcePreset }).training.manifest)) {
      const resources = dataAt(listAt(pod, "containers")[0] ?? {}, "resources");
      expect(resources.requests).toMatchObject({ [resource]: "8" });
      expect(resources.limits).toMatchObject({ [resource]: "8" });
    }
    const named = placed({ resourcePreset, resourceName: "huawei.com/npu" }).training.manifest;
    expect(JSON.stringify(named)).toContain('"huawei.com/npu":"8"');
  });
});

describe("stages without NPUs", () => {
  it.each(kinds)("are Indexed Jobs that are waited for, on %s too", (_, scheduler) => {
    const { objects, plan } = placed({ scheduler });
    for (const stage of plan.stages.filter((candidate) => candidate.plan.kind === "cpu")) {
      const job = objects.find((object) => object.name === `${stage.name}-job`);
      expect(job?.manifest).toMatchObject({ apiVersion: "batch/v1", kind: "Job" });
      expect(job?.timeoutSeconds).toBeGreaterThan(0);
      expect(JSON.stringify(job?.manifest)).not.toContain("volcano");
    }
  });
});

describe("a JobSet", () => {
  const { objects, training } = placed({ scheduler: schedulers.jobSetOnVolcano }, { restarts: 3 });

  it("restarts the gang as a whole, ends at once when another try cannot help, and names its pods in DNS", () => {
    expect(training.manifest).toMatchObject({ apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet" });
    expect(training.manifest.spec).toEqual({
      network: { enableDNSHostnames: true, publishNotReadyAddresses: true, subdomain: name },
      successPolicy: { operator: "All" },
      failurePolicy: {
        maxRestarts: 3,
        restartStrategy: "BlockingRecreate",
        rules: [
          {
            name: "disruption",
            action: "RestartJobSetAndIgnoreMaxRestarts",
            onJobFailureReasons: ["PodFailurePolicy"],
            onJobFailureMessagePatterns: ["has condition DisruptionTarget "],
          },
          { name: "hopeless", action: "FailJobSet", onJobFailureReasons: ["PodFailurePolicy"] },
        ],
      },
      replicatedJobs: [
        {
          name: "node",
          replicas: 1,
          template: {
            spec: {
              completionMode: "Indexed",
              completions: 2,
              parallelism: 2,
              backoffLimit: 0,
              podFailurePolicy: {
                rules: [
                  { action: "FailJob", onExitCodes: { containerName: "ascend", operator: "In", values: hopeless } },
                  { action: "FailJob", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
                ],
              },
              podReplacementPolicy: "Failed",
              template,
            },
          },
        },
      ],
    });
  });

  it("tells the launcher its rank by the completion index and the master by its name", () => {
    expect(rendezvousOf(objects)).toEqual({
      nodeRank: { variable: "JOB_COMPLETION_INDEX" },
      masterAddress: { value: `${name}-node-0-0.${name}` },
      masterPort: { value: "29505" },
    });
  });

  it("sends its pods to Volcano as a gang when asked to", () => {
    const [use] = templatesOf(training.manifest);
    expect(use?.pod.schedulerName).toBe("volcano");
    expect(use?.annotations).toEqual({
      "huawei.com/schedule_policy": "chip8-node8",
      "huawei.com/schedule_minAvailable": "2",
    });
  });
});

describe("an Indexed Job", () => {
  it("stays with the cluster's scheduler unless asked otherwise", () => {
    const [plain] = templatesOf(placed({ scheduler: schedulers.job }).training.manifest);
    expect(plain?.pod).not.toHaveProperty("schedulerName");
    expect(plain?.annotations).toEqual({});
    const [volcano] = templatesOf(placed({ scheduler: schedulers.jobOnVolcano }).training.manifest);
    expect(volcano?.pod.schedulerName).toBe("volcano");
    expect(volcano?.annotations).toMatchObject({ "huawei.com/schedule_minAvailable": "2" });
  });
});

describe("a Volcano Job", () => {
  const scheduler = schedulers.volcanoJob;

  it("is one gang that restarts as a whole and ends at once when another try cannot help", () => {
    const { training } = placed({ scheduler }, { restarts: 3 });
    expect(training.manifest).toMatchObject({
      apiVersion: "batch.volcano.sh/v1alpha1",
      kind: "Job",
      metadata: {
        labels: { "ring-controller.atlas": "ascend-910b", "fault-scheduling": "grace" },
        annotations: { "huawei.com/schedule_policy": "chip8-node8" },
      },
    });
    expect(training.manifest.spec).toEqual({
      schedulerName: "volcano",
      queue: "default",
      minAvailable: 2,
      maxRetry: 4,
      policies: [
        ...hopeless.map((exitCode) => ({ exitCode, action: "TerminateJob" })),
        { event: "PodEvicted", action: "RestartJob" },
        { event: "PodFailed", action: "RestartJob" },
      ],
      plugins: { env: [], svc: ["--publish-not-ready-addresses=true", "--disable-network-policy=true"] },
      tasks: [{ name: "node", replicas: 2, minAvailable: 2, template }],
    });
  });

  it("tells the launcher its rank by the task index and the master by the plugin's name", () => {
    expect(rendezvousOf(placed({ scheduler }).objects)).toMatchObject({
      nodeRank: { variable: "VC_TASK_INDEX" },
      masterAddress: { value: `${name}-node-0.${name}` },
    });
  });

  it("leaves single pods to MindCluster with pod rescheduling", () => {
    const { training } = placed({ scheduler: gang("volcanoJob", { podRescheduling: true }) }, { restarts: 1 });
    expect(training.manifest.metadata.labels["pod-rescheduling"]).toBe("on");
    expect(JSON.stringify(training.manifest.spec)).not.toContain("RestartJob");
  });
});

describe("an AscendJob", () => {
  const scheduler = schedulers.ascendJob;

  it("has a master and workers of the same template, one gang, and the retries of the run", () => {
    const { training } = placed({ scheduler, nodes: 4 }, { nodes: 4, restarts: 3 });
    expect(training.manifest).toMatchObject({
      apiVersion: "mindxdl.gitee.com/v1",
      kind: "AscendJob",
      metadata: {
        labels: {
          framework: "pytorch",
          "ring-controller.atlas": "ascend-910b",
          "fault-scheduling": "grace",
          "fault-retry-times": "3",
        },
        annotations: { "huawei.com/schedule_policy": "chip8-node8", "pulumi.com/skipAwait": "true" },
      },
    });
    expect(training.manifest.spec).toEqual({
      schedulerName: "volcano",
      runPolicy: { backoffLimit: 3, schedulingPolicy: { minAvailable: 4, queue: "default" } },
      replicaSpecs: {
        Master: { replicas: 1, restartPolicy: "Never", template },
        Worker: { replicas: 3, restartPolicy: "Never", template },
      },
    });
    const [master, worker] = templatesOf(training.manifest);
    expect(worker?.pod).toEqual(master?.pod);
    expect(master?.labels["ring-controller.atlas"]).toBe("ascend-910b");
    expect(listAt(listAt(master?.pod ?? {}, "containers")[0] ?? {}, "ports")).toEqual([
      { name: "ascendjob-port", containerPort: 29505, protocol: "TCP" },
      { name: "metrics", containerPort: 9464, protocol: "TCP" },
    ]);
  });

  it("takes rank, address and port from what the operator sets", () => {
    expect(rendezvousOf(placed({ scheduler }).objects)).toEqual({
      nodeRank: { variable: "RANK" },
      masterAddress: { variable: "MASTER_ADDR" },
      masterPort: { variable: "MASTER_PORT" },
    });
  });

  it("has no worker when it is alone, and meets itself on the loopback address", () => {
    const { objects, training } = placed({ scheduler }, { nodes: 1 });
    expect(Object.keys(dataAt(training.manifest, "spec", "replicaSpecs"))).toEqual(["Master"]);
    expect(rendezvousOf(objects).masterAddress).toEqual({ value: "localhost" });
  });

  it("is not rescheduled when the run has no restarts: a limit of 0 would mean none", () => {
    const { training } = placed({ scheduler }, { restarts: 0 });
    expect(training.manifest.metadata.labels["fault-scheduling"]).toBe("off");
    expect(training.manifest.metadata.labels).not.toHaveProperty("fault-retry-times");
    expect(dataAt(training.manifest, "spec", "runPolicy")).not.toHaveProperty("backoffLimit");
  });

  it("carries what the stack file says of recovery and placement", () => {
    const faultTolerance = { subHealth: "graceExit", recoverStrategy: ["exit"], gracePeriodSeconds: 300 } as const;
    const { training } = placed(
      {
        scheduler: {
          ...gang("ascendJob", { ...faultTolerance, recoverStrategy: ["exit"] }),
          queue: "video",
          torAffinity: "none",
        },
        superPod: { affinity: "soft" },
      },
      { restarts: 2 },
    );
    expect(training.manifest.metadata.labels).toMatchObject({
      subHealthyStrategy: "graceExit",
      "tor-affinity": "null",
      "super-pod-affinity": "soft",
    });
    expect(training.manifest.metadata.annotations["recover-strategy"]).toBe("exit");
    expect(dataAt(training.manifest, "spec", "runPolicy", "schedulingPolicy").queue).toBe("video");
    expect(templatesOf(training.manifest)[0]?.pod.terminationGracePeriodSeconds).toBe(300);
  });
});

describe("workloads that the engine does not know", () => {
  it.each(["jobSet", "volcanoJob", "ascendJob"] as const)(
    "%s is replaced, not edited, when its spec changes",
    (kind) => {
      expect(placed({ scheduler: schedulers[kind] }).training).toMatchObject({
        replaceOnChanges: ["spec"],
        isProtected: true,
      });
    },
  );

  it("a Job follows the engine's own rules", () => {
    expect(placed().training).not.toHaveProperty("replaceOnChanges");
  });
});

describe("node shapes", () => {
  const a3 = "a3-superpod";
  const isSpread = (object: PlannedObject): boolean =>
    templatesOf(object.manifest).every(({ pod }) => pod.affinity !== undefined);

  it("a super pod is one logical block unless the stack file cuts it", () => {
    expect(placed({}, {}, a3).training.manifest.metadata.annotations).toMatchObject({
      "huawei.com/schedule_policy": "chip2-node16-sp",
      "sp-block": "64",
    });
    expect(placed({ superPod: { block: 32 } }, {}, a3).training.manifest.metadata.annotations["sp-block"]).toBe("32");
  });

  it("one pod a node: asked for on A3 always, on A2 where two pods would fit", () => {
    expect(isSpread(placed({}, {}, a3).training)).toBe(true);
    expect(isSpread(placed().training)).toBe(false);
    expect(isSpread(placed({}, { npusPerNode: 4 }).training)).toBe(true);
    expect(isSpread(placed({ nodeShape: "atlas-200t-a2-box16" }, { npusPerNode: 8 }).training)).toBe(true);
    expect(isSpread(placed({}, { nodes: 1, npusPerNode: 4 }).training)).toBe(false);
  });

  it("Box16 is an x86 host with a policy of its own", () => {
    const { training } = placed({ nodeShape: "atlas-200t-a2-box16", scheduler: schedulers.ascendJob });
    expect(training.manifest.metadata.annotations["huawei.com/schedule_policy"]).toBe("chip8-node16");
    expect(templatesOf(training.manifest)[0]?.pod.nodeSelector).toMatchObject({ "kubernetes.io/arch": "amd64" });
  });
});

describe("what pods take from their node", () => {
  it("nothing by default", () => {
    const text = JSON.stringify(placed({ scheduler: schedulers.ascendJob }).objects);
    expect(text).not.toMatch(/hostPath|hostNetwork|HCCL_IF_IP|LD_LIBRARY_PATH|dnsPolicy/);
  });

  it("the host network with the node's address for HCCL, for trainings alone", () => {
    const network = { mode: "hostNetwork", interface: "enp189s0f0", reason: "more than 1000 nodes" } as const;
    const { objects, training } = placed({ network });
    const [use] = templatesOf(training.manifest);
    expect(use?.pod).toMatchObject({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" });
    expect(variablesOf(use?.pod ?? {})).toMatchObject({
      HCCL_IF_IP: { fieldRef: { fieldPath: "status.hostIP" } },
      HCCL_SOCKET_IFNAME: "enp189s0f0",
      GLOO_SOCKET_IFNAME: "enp189s0f0",
    });
    const others = objects.filter((object) => object !== training);
    expect(JSON.stringify(others.flatMap(({ manifest }) => templatesOf(manifest)))).not.toContain("hostNetwork");
  });

  it("the driver, read-only, where no runtime mounts it", () => {
    const [use] = templatesOf(placed({ driverMounts: true }).training.manifest);
    const paths = ["/usr/local/Ascend/driver", "/usr/local/dcmi", "/usr/local/bin/npu-smi", "/etc/ascend_install.info"];
    const volumes = listAt(use?.pod ?? {}, "volumes").filter(({ hostPath }) => hostPath !== undefined);
    expect(volumes.map((volume) => dataAt(volume, "hostPath").path)).toEqual(paths);
    const mounts = listAt(listAt(use?.pod ?? {}, "containers")[0] ?? {}, "volumeMounts");
    for (const path of paths)
      expect(mounts).toContainEqual(expect.objectContaining({ mountPath: path, readOnly: true }));
    expect(variablesOf(use?.pod ?? {}).LD_LIBRARY_PATH).toContain("/usr/local/Ascend/driver/lib64/common");
  });
});
