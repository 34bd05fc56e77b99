import { describe, expect, it } from "vitest";
import { type Data, templatesOf } from "../../../src/workloads/rules/pod-templates.ts";
import { prunedFields } from "../../../src/workloads/rules/pruned-fields.ts";
import { placed, schedulers } from "../../../tests/placed.ts";
import { ascendJobTemplate } from "./pod-of-ascend-job.ts";
import { ascendJobDefinition, volcanoJobDefinition } from "./workloads.ts";

/** The definitions against the rules and the objects of plans. That an API server takes them is shown end to end. */

/** What an API server drops by a structural schema: paths of the fields that the schema does not name. */
function dropped(value: unknown, schema: Data, path = ""): readonly string[] {
  if (schema["x-kubernetes-preserve-unknown-fields"] === true || value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap((item) => dropped(item, schema.items as Data, path));
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Data>>;
  const others = schema.additionalProperties as Data | undefined;
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = properties[key] ?? others;
    const at = path === "" ? key : `${path}.${key}`;
    return known === undefined ? [at] : dropped(inner, known, at);
  });
}

const schemaOf = (definition: Data): Data =>
  (definition as { spec: { versions: { schema: { openAPIV3Schema: Data } }[] } }).spec.versions[0]?.schema
    .openAPIV3Schema ?? {};

describe.each([
  ["AscendJob", schemaOf(ascendJobDefinition), "ascendJob"],
  ["Volcano Job", schemaOf(volcanoJobDefinition), "volcanoJob"],
] as const)("the definition of %s", (_, schema, kind) => {
  it.each([
    ["as it is", {}],
    ["with the driver of the node", { driverMounts: true }],
    ["on the host network", { network: { mode: "hostNetwork", interface: "enp1s0", reason: "large" } }],
    ["in a super pod", { nodeShape: "atlas-900-a3-superpod" }],
  ] as const)("knows every field that plans write, %s", (_how, change) => {
    const { metadata: __, ...manifest } = placed({ ...change, scheduler: schedulers[kind] }, { restarts: 3 }).training
      .manifest;
    expect(dropped(manifest, schema)).toEqual([]);
  });
});

describe("the rule about dropped fields", () => {
  const podSchema = (ascendJobTemplate as { properties: { spec: Data } }).properties.spec;
  const [use] = templatesOf(placed({ scheduler: schedulers.ascendJob }).training.manifest);
  const term = { topologyKey: "kubernetes.io/hostname" };
  const container = { name: "ascend", image: "x" };

  const additions: readonly (readonly [string, Data])[] = [
    ["schedulingGates", { schedulingGates: [{ name: "a" }] }],
    ["resourceClaims", { resourceClaims: [{ name: "a" }] }],
    ["pod resources", { resources: { requests: { cpu: "1" } } }],
    ["os", { os: { name: "linux" } }],
    ["hostUsers", { hostUsers: false }],
    ["AppArmor", { securityContext: { appArmorProfile: { type: "RuntimeDefault" } } }],
    [
      "resizePolicy",
      { containers: [{ ...container, resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }] }] },
    ],
    ["claims", { containers: [{ ...container, resources: { claims: [{ name: "a" }] } }] }],
    ["a gRPC probe", { containers: [{ ...container, readinessProbe: { grpc: { port: 1 } } }] }],
    [
      "a probe with a grace period",
      { containers: [{ ...container, startupProbe: { terminationGracePeriodSeconds: 1 } }] },
    ],
    ["a sleeping hook", { containers: [{ ...container, lifecycle: { preStop: { sleep: { seconds: 1 } } } }] }],
    ["a native sidecar", { initContainers: [{ ...container, restartPolicy: "Always" }] }],
    [
      "a namespace selector",
      {
        affinity: {
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, namespaceSelector: {} }] },
        },
      },
    ],
    [
      "label keys of an affinity",
      {
        affinity: {
          podAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, podAffinityTerm: { ...term, matchLabelKeys: ["a"] } },
            ],
          },
        },
      },
    ],
    ["minDomains", { topologySpreadConstraints: [{ minDomains: 1 }] }],
    ["node policies", { topologySpreadConstraints: [{ nodeAffinityPolicy: "Honor", nodeTaintsPolicy: "Honor" }] }],
    ["an image volume", { volumes: [{ name: "a", image: { reference: "x" } }] }],
    ["a trust bundle", { volumes: [{ name: "a", projected: { sources: [{ clusterTrustBundle: { path: "a" } }] } }] }],
  ];

  it.each(additions)("names what the definition drops: %s", (_, addition) => {
    const lost = dropped(addition, podSchema);
    const named = prunedFields(addition);
    expect(lost.length).toBeGreaterThan(0);
    expect(named).toHaveLength(lost.length);
    for (const field of lost) {
      const last = field.split(".").at(-1) ?? "";
      expect(named.some((name) => name.endsWith(last))).toBe(true);
    }
  });

  it("names nothing in the pods of plans", () => {
    expect(prunedFields(use?.pod ?? {})).toEqual([]);
  });
});
