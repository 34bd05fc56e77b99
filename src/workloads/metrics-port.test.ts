import { describe, expect, it } from "vitest";
import { changedEnvironment, placed, type RunChange, schedulers } from "../../tests/placed.ts";
import { commonRunFields } from "../config/run-fields.ts";
import { metricsPortName } from "./metrics-port.ts";
import { metricsPortProblems } from "./rules/port-rules.ts";
import { settingsProblems } from "./rules/rules.ts";

/** The port of the metrics: declared by trainings alone, told to the launcher, and never somebody else's. */

interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
}

/** Containers of all pod templates in an object, at any depth. */
function containersIn(value: unknown): readonly Container[] {
  if (Array.isArray(value)) return value.flatMap(containersIn);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "containers" ? (inner as readonly Container[]) : containersIn(inner),
  );
}

const contractOf = ({ plan, objects }: ReturnType<typeof placed>, stage: string) => {
  const name = plan.stages.find((planned) => planned.plan.stage === stage)?.name;
  const files = objects.find((object) => object.name === `${name}-files`)?.manifest as unknown as {
    readonly data: Readonly<Record<string, string>>;
  };
  return JSON.parse(files.data["contract.json"] ?? "");
};

const metricsPorts = (containers: readonly Container[]) =>
  containers.map(({ ports = [] }) => ports.filter(({ name }) => name === metricsPortName));

describe.each(Object.entries(schedulers))("%s", (_, scheduler) => {
  it("declares the port in every pod of a training, under the name that monitors look for", () => {
    const { training } = placed({ scheduler }, { metricsPort: 9999 });
    const containers = containersIn(training.manifest);
    expect(containers.length).toBeGreaterThan(0);
    for (const found of metricsPorts(containers))
      expect(found).toEqual([{ name: "metrics", containerPort: 9999, protocol: "TCP" }]);
  });
});

describe("the port of the metrics", () => {
  it("is 9464 unless the run says otherwise, and the launcher is told", () => {
    expect(contractOf(placed(), "pretrain").metrics).toEqual({ port: 9464 });
    expect(contractOf(placed({}, { metricsPort: 9000 }), "pretrain").metrics).toEqual({ port: 9000 });
  });

  it("is nowhere when the run switches it off, nor in stages that print no iterations", () => {
    const off = placed({}, { metricsPort: 0 });
    expect(contractOf(off, "pretrain")).not.toHaveProperty("metrics");
    expect(metricsPorts(containersIn(off.objects)).flat()).toEqual([]);
    const usual = placed();
    const others = usual.objects.filter(({ name }) => name !== usual.training.name);
    expect(containersIn(others).length).toBeGreaterThan(0);
    expect(metricsPorts(containersIn(others)).flat()).toEqual([]);
    expect(contractOf(usual, "convertVae")).not.toHaveProperty("metrics");
  });

  it("stands beside the port that MindCluster's operator looks for", () => {
    const { training } = placed({ scheduler: schedulers.ascendJob });
    for (const { ports = [] } of containersIn(training.manifest))
      expect(ports.map(({ name }) => name)).toEqual(["ascendjob-port", "metrics"]);
  });
});

describe("a port that something else listens on", () => {
  const problems = (change: RunChange, variables: Readonly<Record<string, string>> = {}) => {
    const { stages } = placed().plan;
    const given = stages.map((stage) => ({
      ...stage,
      plan: { ...stage.plan, environment: { ...stage.plan.environment, ...variables } },
    }));
    return metricsPortProblems(changedEnvironment({}, change), given).map(({ severity, rule, got, nearest }) => [
      severity,
      rule,
      got,
      nearest?.[0],
    ]);
  };

  it.each([
    ["the rendezvous", 29_505, {}, "29504"],
    ["HCCL from its usual base port", 60_000, {}, "59999"],
    ["HCCL to the last of its sixteen ports", 60_015, {}, "60016"],
    ["HCCL from a base port of its own", 40_007, { HCCL_IF_BASE_PORT: "40000" }, "39999"],
    ["HCCL in one of its ranges", 30_500, { HCCL_HOST_SOCKET_PORT_RANGE: "30000-30001,30500" }, "30499"],
  ])("is refused: that of %s", (_, metricsPort, variables, nearest) => {
    expect(problems({ metricsPort }, variables)).toEqual([
      ["error", "metrics-port-free", String(metricsPort), nearest],
    ]);
  });

  it.each([
    ["the default", 9464, {}],
    ["the next after HCCL's", 60_016, {}],
    ["HCCL's usual one when HCCL uses others", 60_000, { HCCL_IF_BASE_PORT: "40000" }],
    ["HCCL's usual one when a range takes its place", 60_000, { HCCL_HOST_SOCKET_PORT_RANGE: "30000-30100" }],
    ["none", 0, {}],
  ])("is not found: %s", (_, metricsPort, variables) => {
    expect(problems({ metricsPort }, variables)).toEqual([]);
  });

  it("is among the findings of a plan", () => {
    expect(settingsProblems(placed({}, { metricsPort: 29_505 }).plan).map(({ rule }) => rule)).toContain(
      "metrics-port-free",
    );
  });

  it("may not be one that needs rights which pods lack", () => {
    const accepts = (port: unknown): boolean => commonRunFields.metricsPort.safeParse(port).success;
    expect([0, 1, 80, 1023, 1024, 65_535, 65_536, -1, 9464.5].filter(accepts)).toEqual([0, 1024, 65_535]);
  });
});
