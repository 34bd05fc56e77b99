import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** What the dashboard and the alert rules ask for exists: documented metrics of npu-exporter, and those that training pods serve. */

const folder = join(import.meta.dirname, "ascend-observability", "files");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

/** Metrics of npu-exporter, MindCluster 26.1.0 (component/npu-exporter, metrics API page); prefix `npu_chip_info_`. */
const exporterMetrics = [
  ...["utilization", "overall_utilization", "vector_utilization", "cube_utilization"],
  ...["health_status", "temperature", "power", "voltage", "aicore_current_freq", "network_status", "link_status"],
  ...["hbm_used_memory", "hbm_total_memory", "hbm_utilization", "hbm_bandwidth_utilization", "hbm_temperature"],
  ...["hbm_ecc_double_bit_error_cnt", "bandwidth_rx", "bandwidth_tx"],
].map((name) => `npu_chip_info_${name}`);

/** Metrics of the in-pod runtime. */
const trainingMetrics = [...["iteration", "target_iterations", "loss", "step_seconds", "samples_per_second"]].map(
  (name) => `ascend_training_${name}`,
);

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}
const dashboard = JSON.parse(read("dashboard.json")) as Dashboard;
const groups = JSON.parse(read("alerts.json")) as readonly {
  readonly rules: readonly { readonly alert: string; readonly expr: string }[];
}[];

const queries = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
];

describe("the dashboard and the alert rules", () => {
  it.each(queries)("%s asks for known metrics only", (query) => {
    const asked = query.match(/\b(npu_|ascend_|container_npu_|machine_npu_)\w+/g) ?? [];
    expect(asked.length).toBeGreaterThan(0);
    for (const metric of asked) expect([...exporterMetrics, ...trainingMetrics]).toContain(metric);
  });

  it.each(queries)("%s has balanced brackets and known variables", (query) => {
    for (const [open, close] of ["()", "{}", "[]"].map((pair) => [...pair]))
      expect(query.split(open ?? "").length).toBe(query.split(close ?? "").length);
    const names = dashboard.templating.list.map(({ name }) => name);
    for (const [, name] of query.matchAll(/\$(\w+)/g)) expect(names).toContain(name);
  });

  it("shows every number that the chart promises", () => {
    expect(dashboard.panels.map(({ title }) => title)).toEqual(
      expect.arrayContaining([
        "Iteration",
        "Loss",
        "Samples a second",
        "Estimated end",
        "NPU utilization",
        "NPU memory",
        "NPU temperature",
      ]),
    );
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it("has its thresholds as settings", () => {
    expect(read("alerts.json").match(/@\w+@/g)?.sort()).toEqual(
      ["@stalledMinutes@", "@stalledMinutes@", "@temperatureCelsius@"].sort(),
    );
  });
});
