/**
 * What an environment adds to a monitoring system: monitors, alert rules and a dashboard. The same objects as those of the chart
 * `charts/ascend-observability`, from the same files; a test compares the two.
 *
 * Facts: metrics, ports and labels of npu-exporter as documented by MindCluster 26.1.0; kinds of the Prometheus Operator.
 */
import alerts from "../../charts/ascend-observability/files/alerts.json" with { type: "json" };
import dashboard from "../../charts/ascend-observability/files/dashboard.json" with { type: "json" };
import type { Environment } from "../config/schema.ts";
import { objectLabels, type PlannedObject, waveAnnotation, waves } from "../kubernetes/planned-object.ts";
import { metricsPortName } from "../workloads/metrics-port.ts";

type Settings = NonNullable<Environment["observability"]>;

/** The alert rules with the environment's thresholds. */
function ruleGroups({ temperatureCelsius, stalledMinutes }: Settings): unknown {
  const text = JSON.stringify(alerts)
    .replaceAll("@temperatureCelsius@", String(temperatureCelsius))
    .replaceAll("@stalledMinutes@", String(stalledMinutes));
  return JSON.parse(text);
}

/** The objects of `observability`; none when the environment does not ask for them. */
export function observabilityObjects(environmentName: string, environment: Environment): readonly PlannedObject[] {
  const settings = environment.observability;
  if (settings === undefined) return [];
  const planned = (
    part: string,
    apiVersion: string,
    kind: string,
    content: Readonly<Record<string, unknown>>,
    more: Readonly<Record<string, string>> = {},
  ): PlannedObject => ({
    name: `observability-${part}`,
    manifest: {
      apiVersion,
      kind,
      metadata: {
        name: `${environmentName}-${part}`,
        namespace: environment.namespace,
        labels: {
          ...settings.labels,
          ...more,
          ...objectLabels(environmentName, "observability", environment.labels),
        },
        annotations: waveAnnotation(waves.storage),
      },
      ...content,
    },
    after: ["namespace"],
    isProtected: false,
    isRetained: false,
  });
  const monitoring = "monitoring.coreos.com/v1";
  return [
    planned("training", monitoring, "PodMonitor", {
      spec: {
        namespaceSelector: { matchNames: [environment.namespace] },
        selector: {
          matchLabels: { "app.kubernetes.io/name": "ascend-stacks", "app.kubernetes.io/component": "stage" },
        },
        podMetricsEndpoints: [{ port: metricsPortName, interval: settings.interval, honorLabels: true }],
      },
    }),
    planned("npu-exporter", monitoring, "ServiceMonitor", {
      spec: {
        namespaceSelector: { matchNames: [settings.exporter.namespace] },
        selector: { matchLabels: settings.exporter.serviceLabels },
        endpoints: [
          { targetPort: settings.exporter.targetPort, interval: settings.exporter.interval, honorLabels: true },
        ],
      },
    }),
    planned("alerts", monitoring, "PrometheusRule", { spec: { groups: ruleGroups(settings) } }),
    planned(
      "dashboard",
      "v1",
      "ConfigMap",
      { data: { "ascend-training.json": `${JSON.stringify(dashboard, null, 2)}\n` } },
      settings.dashboardLabels,
    ),
  ];
}
