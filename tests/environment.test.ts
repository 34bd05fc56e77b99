import { describe, expect, it } from "vitest";
import { changedPlan, type EnvironmentData, foundIn, manifestOf } from "./changed-stack.ts";

/** What surrounds the stages, from the stack file to the manifests. That a real API server takes them is shown end to end. */

const run = "t2v-93x480p";
const nothing = (): void => undefined;
const rulesFound = (stack: string, change: (environment: EnvironmentData) => void): readonly string[] =>
  foundIn(stack, change).map(({ severity, rule }) => `${severity} ${rule}`);

describe("the namespace", () => {
  it("enforces the restricted level where every pod meets it", () => {
    const { objects } = changedPlan("local", nothing);
    const { labels, annotations } = manifestOf(objects, "Namespace", "osp-t2v").metadata;
    for (const mode of ["enforce", "audit", "warn"]) {
      expect(labels[`pod-security.kubernetes.io/${mode}`]).toBe("restricted");
      expect(labels[`pod-security.kubernetes.io/${mode}-version`]).toBe("latest");
    }
    expect(annotations).not.toHaveProperty(["ascend-stacks/pod-security-reason"]);
  });

  it("says in itself and in the plan why it enforces less", () => {
    const { objects, warnings } = changedPlan("local", (environment) => {
      environment.storage.dataset = { nfs: { server: "nas.example.com", path: "/clips" } };
      environment.security = { podSecurity: { version: "v1.34" } };
    });
    const { labels, annotations } = manifestOf(objects, "Namespace", "osp-t2v").metadata;
    expect(labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "baseline",
      "pod-security.kubernetes.io/enforce-version": "v1.34",
      "pod-security.kubernetes.io/audit": "restricted",
    });
    const reason = "the volume dataset is of kind nfs";
    expect(annotations["ascend-stacks/pod-security-reason"]).toBe(reason);
    expect(warnings.find(({ rule }) => rule === "pod-security-level")?.what).toContain(reason);
  });

  it("stays restricted when the file server is mounted through a volume", () => {
    const { objects } = changedPlan("local", (environment) => {
      environment.storage.dataset = {
        nfs: { server: "nas.example.com", path: "/clips", persistentVolume: { capacity: "2Ti" } },
      };
    });
    expect(manifestOf(objects, "Namespace", "osp-t2v").metadata.labels["pod-security.kubernetes.io/enforce"]).toBe(
      "restricted",
    );
  });

  it("is not made stricter than its pods, nor looser without a waiver", () => {
    const found = foundIn("local", (environment) => {
      environment.storage.dataset = { nfs: { server: "nas.example.com", path: "/clips" } };
      environment.security = { podSecurity: { level: "restricted" } };
    });
    expect(found).toContainEqual(
      expect.objectContaining({ severity: "error", rule: "pod-security-admits", nearest: ["baseline"] }),
    );
    expect(
      rulesFound("local", (environment) => {
        environment.security = { podSecurity: { level: "privileged" } };
      }),
    ).toContain("error namespace-level");
  });
});

describe("access", () => {
  const withAccess = (environment: EnvironmentData): void => {
    environment.access = {
      deployers: [
        { kind: "ServiceAccount", name: "pipeline", namespace: "delivery" },
        { kind: "ServiceAccount", name: "local" },
      ],
      viewers: [{ kind: "Group", name: "video-team" }],
      queueReader: true,
    };
  };
  const { objects } = changedPlan("local", withAccess);

  it("gives stage pods an account without token, and no role", () => {
    const all = changedPlan("local", nothing).objects;
    expect(manifestOf(all, "ServiceAccount", "ascend-stacks-stage").automountServiceAccountToken).toBe(false);
    expect(all.map(({ manifest }) => manifest.kind)).not.toContain("Role");
    for (const { manifest } of objects) {
      if (manifest.kind.endsWith("RoleBinding")) expect(JSON.stringify(manifest)).not.toContain("ascend-stacks-stage");
    }
  });

  it("lets deployers do everything to jobs and what they need, and only read what guards the namespace", () => {
    const { rules } = manifestOf(objects, "Role", "ascend-stacks-deployer");
    const verbs = (group: string, resource: string): readonly string[] =>
      rules
        .filter((rule: EnvironmentData) => rule.apiGroups.includes(group) && rule.resources.includes(resource))
        .flatMap((rule: EnvironmentData) => rule.verbs);
    const all = ["get", "list", "watch", "create", "update", "patch", "delete"];
    for (const resource of ["configmaps", "secrets", "persistentvolumeclaims", "services"])
      expect(verbs("", resource)).toEqual(all);
    expect(verbs("batch", "jobs")).toEqual(all);
    expect(verbs("", "pods")).toEqual(["get", "list", "watch"]);
    expect(verbs("", "pods/log")).toEqual(["get"]);
    for (const resource of ["roles", "rolebindings"])
      expect(verbs("rbac.authorization.k8s.io", resource)).toEqual(["get"]);
    expect(verbs("networking.k8s.io", "networkpolicies")).toEqual(["get"]);
    expect(JSON.stringify(rules)).not.toContain("*");
  });

  it("shows viewers neither Secrets nor ConfigMaps, and lets them change nothing", () => {
    const { rules } = manifestOf(objects, "Role", "ascend-stacks-viewer");
    expect(JSON.stringify(rules)).not.toMatch(/secrets|configmaps|create|update|patch|delete/);
  });

  it("binds the named identities, in the environment's namespace when none is said", () => {
    expect(manifestOf(objects, "RoleBinding", "ascend-stacks-deployer").subjects).toEqual([
      { kind: "ServiceAccount", name: "pipeline", namespace: "delivery" },
      { kind: "ServiceAccount", name: "local", namespace: "osp-t2v" },
    ]);
    expect(manifestOf(objects, "RoleBinding", "ascend-stacks-viewer").subjects).toEqual([
      { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "video-team" },
    ]);
    expect(manifestOf(objects, "ClusterRole", "ascend-stacks-osp-t2v-queue-reader").rules).toEqual([
      { apiGroups: ["scheduling.volcano.sh"], resources: ["queues"], verbs: ["get"] },
    ]);
  });

  it("makes roles alone when nobody is named, and no ClusterRole unless asked", () => {
    const kinds = changedPlan("local", (environment) => {
      environment.access = {};
    }).objects.map(({ manifest }) => manifest.kind);
    expect(kinds.filter((kind) => kind === "Role")).toHaveLength(2);
    expect(kinds.filter((kind) => /Binding|ClusterRole/.test(kind))).toEqual([]);
  });
});

describe("the network policy", () => {
  it("admits DNS alone, and a distributed stage its own pods", () => {
    const { objects } = changedPlan("local-2x8", nothing);
    const { spec } = manifestOf(objects, "NetworkPolicy", "stages");
    expect(spec).not.toHaveProperty("ingress");
    expect(spec.policyTypes).toEqual(["Ingress", "Egress"]);
    expect(spec.egress).toHaveLength(1);
    expect(spec.egress[0].ports).toEqual([
      { protocol: "UDP", port: 53 },
      { protocol: "TCP", port: 53 },
    ]);
    const pods = { podSelector: { matchLabels: { "ascend-stacks/stage": `${run}-pretrain` } } };
    const own = manifestOf(objects, "NetworkPolicy", `${run}-pretrain`);
    expect(own.spec).toMatchObject({ ...pods, ingress: [{ from: [pods] }], egress: [{ to: [pods] }] });
    expect(objects.filter(({ manifest }) => manifest.kind === "NetworkPolicy")).toHaveLength(2);
  });

  it("admits named servers and scrapers", () => {
    const { objects } = changedPlan("local", (environment) => {
      environment.networkPolicy = {
        egress: [{ cidr: "10.20.0.0/16", ports: [443] }, { cidr: "10.30.0.1/32" }],
        metricsFrom: { "kubernetes.io/metadata.name": "monitoring" },
      };
    });
    const { spec } = manifestOf(objects, "NetworkPolicy", "stages");
    expect(spec.egress.slice(1)).toEqual([
      { to: [{ ipBlock: { cidr: "10.20.0.0/16" } }], ports: [{ protocol: "TCP", port: 443 }] },
      { to: [{ ipBlock: { cidr: "10.30.0.1/32" } }] },
    ]);
    expect(spec.ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
        ports: [{ port: "metrics", protocol: "TCP" }],
      },
    ]);
  });

  it("says when monitors are made that could not reach the pods", () => {
    expect(
      rulesFound("local", (environment) => {
        environment.observability = {};
      }),
    ).toContain("warning metrics-reachable");
    expect(
      rulesFound("local", (environment) => {
        environment.observability = {};
        environment.networkPolicy = { metricsFrom: { "kubernetes.io/metadata.name": "monitoring" } };
      }),
    ).not.toContain("warning metrics-reachable");
  });

  it("is left out with a reason only", () => {
    const off = (environment: EnvironmentData): void => {
      environment.networkPolicy = { enabled: false };
    };
    expect(rulesFound("local", off)).toContain("error isolated-network");
    const waived = changedPlan("local", (environment) => {
      off(environment);
      environment.waivers = [{ rule: "isolated-network", reason: "the cluster's own policies isolate tenants" }];
    });
    expect(waived.objects.map(({ manifest }) => manifest.kind)).not.toContain("NetworkPolicy");
  });
});

describe("the quota", () => {
  const withQuota =
    (quota: object, more: (environment: EnvironmentData) => void = nothing) =>
    (environment: EnvironmentData): void => {
      environment.quota = quota;
      more(environment);
    };

  it("follows from the nodes and their shape, with room for everything but NPUs", () => {
    const { objects } = changedPlan("local-2x8", withQuota({}));
    expect(manifestOf(objects, "ResourceQuota", "ascend-stacks").spec.hard).toEqual({
      "requests.huawei.com/Ascend910": "16",
      "requests.cpu": "405",
      "requests.memory": "1602Gi",
      "limits.memory": "1602Gi",
      pods: "6",
    });
  });

  it("gives containers that ask for nothing a request, but never a processor limit", () => {
    const { objects } = changedPlan("local", withQuota({ defaultMemoryGiB: 8 }));
    expect(manifestOf(objects, "LimitRange", "ascend-stacks").spec.limits).toEqual([
      { type: "Container", default: { memory: "8Gi" }, defaultRequest: { cpu: "1", memory: "8Gi" } },
    ]);
  });

  it("is refused when a stage never fits, and doubtful when stages must wait for each other", () => {
    const errors = foundIn("local", withQuota({ npus: 4, memoryGiB: 100 })).filter(
      ({ severity }) => severity === "error",
    );
    expect(errors).toMatchObject([
      { rule: "quota-fits", path: ["quota", "npus"], nearest: ["8"] },
      { rule: "quota-fits", path: ["quota", "memoryGiB"], nearest: ["600"] },
    ]);
    const second = (environment: EnvironmentData): void => {
      environment.runs.second = { ...environment.runs[run] };
    };
    expect(rulesFound("local", withQuota({}, second))).toContain("warning quota-shared");
  });
});

describe("priority and queues", () => {
  it("makes a class that says what it is in its name, and runs every pod under it", () => {
    const { objects } = changedPlan("local", (environment) => {
      environment.priority = { value: 5000 };
    });
    expect(manifestOf(objects, "PriorityClass", "ascend-stacks-osp-t2v-5000")).toMatchObject({
      value: 5000,
      preemptionPolicy: "Never",
    });
    const job = manifestOf(objects, "Job", `${run}-pretrain`);
    expect(job.spec.template.spec.priorityClassName).toBe("ascend-stacks-osp-t2v-5000");
    expect(
      foundIn("local", (environment) => {
        environment.priority = {};
      })[0]?.what,
    ).toContain("exactly one of className and value");
  });

  it("labels Jobs for Kueue and leaves their suspension to it", () => {
    const { objects } = changedPlan("local", (environment) => {
      environment.queue = { kueue: "video" };
    });
    for (const { manifest, ignoredFields } of objects) {
      const isJob = manifest.kind === "Job";
      expect(manifest.metadata.labels["kueue.x-k8s.io/queue-name"]).toBe(isJob ? "video" : undefined);
      expect(ignoredFields).toEqual(isJob ? ["spec.suspend"] : undefined);
    }
  });

  it("makes the queue that the jobs of Volcano and MindCluster wait in", () => {
    for (const stack of ["a2-volcano", "a2-ascendjob"]) {
      const { objects } = changedPlan(stack, (environment) => {
        environment.cluster.scheduler.queue = "video";
        environment.queue = { volcano: { weight: 4, npus: 32 } };
      });
      const queue = manifestOf(objects, "Queue", "video");
      expect(queue.spec).toEqual({ weight: 4, reclaimable: false, capability: { "huawei.com/Ascend910": "32" } });
      expect(queue.metadata).not.toHaveProperty("namespace");
    }
  });

  it("refuses Kueue for kinds that it has no integration for", () => {
    expect(
      rulesFound("a2-volcano", (environment) => {
        environment.queue = { kueue: "video" };
      }),
    ).toContain("error kueue-admits-kind");
  });

  it("lets pods of MindCluster reach ClusterD, and others not", () => {
    const daemon = {
      to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "mindx-dl" } } }],
      ports: [{ protocol: "TCP", port: 8899 }],
    };
    const egress = (stack: string) =>
      manifestOf(changedPlan(stack, nothing).objects, "NetworkPolicy", "stages").spec.egress;
    expect(egress("a2-ascendjob")).toContainEqual(daemon);
    expect(egress("a2-volcano")).not.toContainEqual(daemon);
  });

  it("refuses a Volcano queue that no pod would wait in", () => {
    expect(
      rulesFound("local", (environment) => {
        environment.queue = { volcano: { name: "default" } };
      }),
    ).toEqual(expect.arrayContaining(["error queue-used", "error queue-own"]));
  });
});

describe("storage", () => {
  const csi = {
    driver: "nas.csi.everest.io",
    volumeHandle: "8a7c",
    capacity: "10Ti",
    attributes: { "everest.io/share-export-location": "10.0.0.1:/share" },
    mountOptions: ["nfsvers=4.1"],
    secrets: { nodePublish: { name: "nas-key", namespace: "storage" } },
  };
  const { objects } = changedPlan("local", (environment) => {
    environment.storage.checkpoints = { csi };
  });

  it("binds a volume of a CSI driver to the environment's claim and to no other", () => {
    expect(manifestOf(objects, "PersistentVolume", "osp-t2v-checkpoints").spec).toEqual({
      capacity: { storage: "10Ti" },
      mountOptions: ["nfsvers=4.1"],
      csi: {
        driver: "nas.csi.everest.io",
        volumeHandle: "8a7c",
        volumeAttributes: csi.attributes,
        nodePublishSecretRef: { name: "nas-key", namespace: "storage" },
      },
      accessModes: ["ReadWriteMany"],
      persistentVolumeReclaimPolicy: "Retain",
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: "osp-t2v", name: "checkpoints" },
    });
    expect(manifestOf(objects, "PersistentVolumeClaim", "checkpoints").spec).toMatchObject({
      storageClassName: "",
      volumeName: "osp-t2v-checkpoints",
    });
  });

  it("protects and retains data, with the namespace that holds it", () => {
    const kept = objects.filter(({ isProtected, isRetained }) => isProtected && isRetained);
    expect(kept.map(({ name }) => name)).toEqual([
      "namespace",
      "claim-weights",
      "claim-dataset",
      "volume-checkpoints",
      "claim-checkpoints",
    ]);
  });

  it("needs exactly one source a volume", () => {
    expect(
      foundIn("local", (environment) => {
        environment.storage.weights = { claim: "a", csi };
      })[0]?.what,
    ).toContain("exactly one of claim, nfs, csi and size");
  });

  const claim = { size: "1Ti", storageClass: "simulated" };
  it.each<[string, object, string]>([
    ["checkpoints", { ...claim, accessMode: "ReadWriteOnce" }, "shared-volumes-shared"],
    ["checkpoints", { csi, accessMode: "ReadWriteOnce" }, "shared-volumes-shared"],
    ["weights", { csi, accessMode: "ReadOnlyMany" }, "written-volumes-writable"],
    ["dataset", { ...claim, accessMode: "ReadOnlyMany", readOnly: true }, "read-only-volumes-filled"],
    ["dataset", { csi, accessMode: "ReadOnlyMany" }, "read-only-volumes-read"],
  ])("refuses %s as %j by %s", (role, settings, rule) => {
    expect(
      rulesFound("local-2x8", (environment) => {
        environment.storage[role] = settings;
      }),
    ).toContain(`error ${rule}`);
  });

  it("admits a dataset that is only read", () => {
    expect(
      rulesFound("local-2x8", (environment) => {
        environment.storage.dataset = { csi, accessMode: "ReadOnlyMany", readOnly: true };
      }),
    ).toEqual([]);
  });
});

describe("writable folders and variables", () => {
  it.each<[string, (environment: EnvironmentData) => void, string]>([
    [
      "a folder over the runtime",
      (environment) => {
        environment.security = { writablePaths: ["/opt"] };
      },
      "writable-covers-nothing",
    ],
    [
      "a volume over the home",
      (environment) => {
        environment.storage.weights.mountPath = "/home";
      },
      "writable-covers-nothing",
    ],
    [
      "a variable with two sources",
      (environment) => {
        environment.runs[run].secretVariables = { TASK_QUEUE_ENABLE: { secret: "a", key: "b" } };
      },
      "variables-set-once",
    ],
  ])("refuses %s", (_, change, rule) => {
    expect(rulesFound("local", change)).toContain(`error ${rule}`);
  });
});

describe("waivers", () => {
  const writable = (environment: EnvironmentData): void => {
    environment.security = { readOnlyRootFilesystem: false };
  };
  const reason = "the image's packages write beside their code";

  it("are asked for by name where a rule is broken", () => {
    const found = foundIn("local", writable).find(({ severity }) => severity === "error");
    expect(found).toMatchObject({ rule: "read-only-root", path: ["security", "readOnlyRootFilesystem"] });
    expect(found?.what).toContain("Job convert-vae");
    expect(found?.remedy).toBe("mend it, or give the reason: waivers: [{ rule: read-only-root, reason: … }]");
  });

  it("stand with their reason in the plan and on the namespace", () => {
    const { warnings, objects } = changedPlan("local", (environment) => {
      writable(environment);
      environment.waivers = [{ rule: "read-only-root", reason }];
    });
    expect(warnings.find(({ rule }) => rule === "read-only-root")?.what).toContain(`is waived: ${reason}`);
    expect(
      manifestOf(objects, "Namespace", "osp-t2v").metadata.annotations["ascend-stacks/waiver.read-only-root"],
    ).toBe(reason);
  });

  it("stand on the object that breaks the rule, and on no other", () => {
    const { objects } = changedPlan("local", (environment) => {
      environment.cluster.driverMounts = true;
      environment.waivers = [{ rule: "no-host-paths", reason: "these hosts have no Ascend Docker Runtime" }];
    });
    const marked = objects.filter(
      ({ manifest }) => manifest.metadata.annotations["ascend-stacks/waiver.no-host-paths"],
    );
    expect(marked.map(({ manifest }) => `${manifest.kind} ${manifest.metadata.name}`)).toEqual([
      "Namespace osp-t2v",
      `Job ${run}-pretrain`,
    ]);
    const { labels, annotations } = manifestOf(objects, "Namespace", "osp-t2v").metadata;
    expect(labels["pod-security.kubernetes.io/enforce"]).toBe("privileged");
    expect(annotations["ascend-stacks/pod-security-reason"]).toContain(
      "/usr/local/Ascend/driver of the host is mounted",
    );
  });

  it("are asked for where the driver is mounted from the host", () => {
    expect(
      foundIn("local", (environment) => {
        environment.cluster.driverMounts = true;
      }),
    ).toContainEqual(expect.objectContaining({ rule: "no-host-paths", path: ["cluster", "driverMounts"] }));
  });

  it("are not asked for twice where the host network has its reason", () => {
    const { objects, warnings } = changedPlan("local", (environment) => {
      environment.cluster.network = { mode: "hostNetwork", interface: "enp1s0", reason: "more than 1000 nodes" };
    });
    expect(warnings.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(["host-network-reason", "network-policy-holds", "pod-security-level"]),
    );
    const { annotations } = manifestOf(objects, "Job", `${run}-pretrain`).metadata;
    expect(annotations["ascend-stacks/waiver.no-host-namespaces"]).toBe("more than 1000 nodes");
  });

  it("that nothing needs are said to be superfluous", () => {
    const found = foundIn("local", (environment) => {
      environment.waivers = [{ rule: "no-host-paths", reason }];
    });
    expect(found.find(({ rule }) => rule === "no-host-paths")?.what).toContain("the waiver is not needed");
  });

  it.each<[string, unknown, string]>([
    ["an unknown rule", [{ rule: "no-root", reason }], "no-root"],
    ["no reason", [{ rule: "non-root", reason: "because" }], "must say why"],
    [
      "a rule twice",
      [
        { rule: "non-root", reason },
        { rule: "non-root", reason },
      ],
      "names a rule twice",
    ],
  ])("are refused with %s", (_, waivers, text) => {
    const found = foundIn("local", (environment) => {
      environment.waivers = waivers;
    });
    expect(JSON.stringify(found)).toContain(text);
  });

  it("do not let a secret into a variable unseen, nor into the message", () => {
    const found = foundIn("local", (environment) => {
      environment.runs[run].environmentVariables = { HF_TOKEN: "canary-value" };
    });
    expect(found.map(({ rule }) => rule)).toContain("secrets-by-reference");
    expect(JSON.stringify(found)).not.toContain("canary-value");
  });
});
