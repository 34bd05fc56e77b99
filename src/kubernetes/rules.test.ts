import { describe, expect, it } from "vitest";
import { securityRuleNames } from "../config/security-rules.ts";
import type { KubernetesObject } from "./planned-object.ts";
import { admits, levelFor, levelReasons } from "./pod-security-level.ts";
import { podSpecs } from "./pod-templates.ts";
import { objectRuleNames, ruleFindings, usesNpus } from "./rules.ts";

type Fields = Readonly<Record<string, unknown>>;

const container = {
  name: "ascend",
  image: `registry.example.com/image@sha256:${"0".repeat(64)}`,
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
  },
  resources: { requests: { "huawei.com/Ascend910": "8" }, limits: { "huawei.com/Ascend910": "8" } },
};
const pod = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  containers: [container],
};

const object = (kind: string, apiVersion: string, fields: Fields): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: "subject", labels: {}, annotations: {} },
  ...fields,
});
const job = (own: Fields, spec: Fields = {}): KubernetesObject =>
  object("Job", "batch/v1", { spec: { template: { spec: { ...pod, ...own } }, ...spec } });
const withContainer = (own: Fields): KubernetesObject => job({ containers: [{ ...container, ...own }] });
const withSecurity = (own: Fields): KubernetesObject =>
  withContainer({ securityContext: { ...container.securityContext, ...own } });

const broken = (manifest: KubernetesObject, isProtected = true): readonly string[] =>
  ruleFindings({ manifest, isProtected }).map(({ rule }) => rule);

describe("a pod in good order", () => {
  it("breaks no rule, wherever its template stands", () => {
    const template = { spec: pod };
    const objects = [
      job({}),
      object("Pod", "v1", { spec: pod }),
      object("CronJob", "batch/v1", { spec: { jobTemplate: { spec: { template } } } }),
      object("JobSet", "jobset.x-k8s.io/v1alpha2", {
        spec: { replicatedJobs: [{ name: "nodes", template: { spec: { template } } }] },
      }),
      object("Job", "batch.volcano.sh/v1alpha1", { spec: { tasks: [{ name: "node", template }] } }),
      object("AscendJob", "mindxdl.gitee.com/v1", {
        spec: { replicaSpecs: { Master: { template }, Worker: { template } } },
      }),
    ];
    for (const manifest of objects) {
      expect(podSpecs(manifest)[0]).toEqual(pod);
      expect(usesNpus(manifest)).toBe(true);
      expect(broken(manifest)).toEqual([]);
      expect(broken(manifest, false)).toEqual(["protected-training"]);
    }
    expect(podSpecs(objects[5] ?? job({}))).toHaveLength(2);
  });

  it("is admitted by the restricted level", () => expect(levelFor(levelReasons(pod))).toBe("restricted"));
});

describe("each rule", () => {
  const cases: readonly (readonly [string, string, KubernetesObject])[] = [
    ["a tag", "image-by-digest", withContainer({ image: "registry.example.com/image:v1" })],
    ["latest", "image-by-digest", withContainer({ image: `image:latest@sha256:${"0".repeat(64)}` })],
    ["an init container", "image-by-digest", job({ initContainers: [{ ...container, image: "x" }] })],
    ["hostNetwork", "no-host-namespaces", job({ hostNetwork: true })],
    ["hostPID", "no-host-namespaces", job({ hostPID: true })],
    ["a host path", "no-host-paths", job({ volumes: [{ name: "driver", hostPath: { path: "/usr/local/Ascend" } }] })],
    ["privilege", "no-privilege", withSecurity({ privileged: true })],
    ["escalation", "no-privilege", withSecurity({ allowPrivilegeEscalation: true })],
    ["a capability", "no-privilege", withSecurity({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } })],
    ["capabilities", "no-privilege", withSecurity({ capabilities: {} })],
    ["a token", "no-service-account-token", job({ automountServiceAccountToken: true })],
    ["no word on the token", "no-service-account-token", job({ automountServiceAccountToken: undefined })],
    ["a time to live", "no-time-to-live", job({}, { ttlSecondsAfterFinished: 60 })],
    ["root", "non-root", withSecurity({ runAsUser: 0 })],
    ["no word on root", "non-root", job({ securityContext: { seccompProfile: { type: "RuntimeDefault" } } })],
    [
      "requests alone",
      "npu-requests-equal-limits",
      withContainer({ resources: { requests: { "huawei.com/npu": 1 } } }),
    ],
    [
      "unequal counts",
      "npu-requests-equal-limits",
      withContainer({ resources: { requests: { "huawei.com/npu": 1 }, limits: { "huawei.com/npu": 2 } } }),
    ],
    [
      "two NPU resources",
      "npu-requests-equal-limits",
      withContainer({
        resources: {
          requests: { "huawei.com/npu": 1, "huawei.com/Ascend910": 1 },
          limits: { "huawei.com/npu": 1, "huawei.com/Ascend910": 1 },
        },
      }),
    ],
    ["a writable root", "read-only-root", withSecurity({ readOnlyRootFilesystem: false })],
    ["no seccomp", "seccomp", job({ securityContext: { runAsNonRoot: true } })],
    ["unconfined seccomp", "seccomp", withSecurity({ seccompProfile: { type: "Unconfined" } })],
    ["a secret variable", "no-secret-values", withContainer({ env: [{ name: "HF_TOKEN", value: "canary" }] })],
    ["a secret option", "no-secret-values", withContainer({ args: ["--api-key", "canary"] })],
    ["a secret option in one word", "no-secret-values", withContainer({ args: ["--password=canary"] })],
    ["a known token", "no-secret-values", object("ConfigMap", "v1", { data: { note: `hf_${"a1".repeat(17)}` } })],
    [
      "a private key",
      "no-secret-values",
      object("ConfigMap", "v1", { data: { key: "-----BEGIN RSA PRIVATE KEY-----" } }),
    ],
    ["values of a Secret", "no-secret-values", object("Secret", "v1", { stringData: { password: "canary" } })],
  ];

  it.each(cases)("is broken by %s: %s", (_, rule, manifest) => {
    expect(broken(manifest)).toEqual([rule]);
    expect(JSON.stringify(ruleFindings({ manifest, isProtected: true }))).not.toContain("canary");
  });

  it("has a case above, and is one of the named rules", () => {
    const tried = new Set(cases.map(([, rule]) => rule));
    expect([...tried, "protected-training"].sort()).toEqual([...objectRuleNames]);
    for (const rule of objectRuleNames) expect(securityRuleNames).toContain(rule);
  });

  it("lets words pass that only look like secrets", () => {
    const args = ["--tokenizer-type", "NullTokenizer", "--micro-batch-size", "1"];
    const env = [
      { name: "TOKENIZERS_PARALLELISM", value: "false" },
      { name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "hub", key: "token" } } },
    ];
    expect(broken(withContainer({ args, env }))).toEqual([]);
  });
});

describe("the level of Pod Security", () => {
  it.each<[string, KubernetesObject, string]>([
    ["an inline file server", job({ volumes: [{ name: "data", nfs: { server: "nas", path: "/" } }] }), "baseline"],
    ["no seccomp profile", job({ securityContext: { runAsNonRoot: true } }), "baseline"],
    ["root", withSecurity({ runAsUser: 0 }), "baseline"],
    ["capabilities kept", withSecurity({ capabilities: {} }), "baseline"],
    ["escalation", withSecurity({ allowPrivilegeEscalation: undefined }), "baseline"],
    ["a host path", job({ volumes: [{ name: "driver", hostPath: { path: "/usr" } }] }), "privileged"],
    ["the host's network", job({ hostNetwork: true }), "privileged"],
    ["a host port", withContainer({ ports: [{ containerPort: 1, hostPort: 1 }] }), "privileged"],
    ["privilege", withSecurity({ privileged: true }), "privileged"],
    ["capabilities added", withSecurity({ capabilities: { drop: ["ALL"], add: ["SYS_NICE"] } }), "privileged"],
    ["unconfined seccomp", withSecurity({ seccompProfile: { type: "Unconfined" } }), "privileged"],
  ])("for %s", (_, manifest, level) => {
    expect(levelFor(podSpecs(manifest).flatMap(levelReasons))).toBe(level);
  });

  it("is ordered from strict to loose", () => {
    expect(admits("privileged", "restricted")).toBe(true);
    expect(admits("baseline", "baseline")).toBe(true);
    expect(admits("restricted", "baseline")).toBe(false);
  });
});
