/**
 * Which traffic stage pods may have. Everything else is denied. Volumes need no rule: the node mounts them, not the pod.
 *
 * What training needs: all ports between the pods of one stage, for HCCL takes ports from a range; DNS; the server of ClusterD under
 * MindCluster. Source: MindCluster 26 (host-side handshake, `clusterd-grpc-svc.mindx-dl:8899`).
 */
import type { Environment } from "../config/schema.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { metricsPortName } from "../workloads/metrics-port.ts";
import { type NamedEnvironment, ownObject } from "./own-object.ts";

type Rule = Readonly<Record<string, unknown>>;

const namespaceNamed = (name: string): Rule => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
});

const port = (number: number, protocol = "TCP"): Rule => ({ protocol, port: number });

/** Where ClusterD answers the agents in the pods of an AscendJob. */
const clusterDaemon = { namespace: "mindx-dl", port: 8899 } as const;

function egressRules({ networkPolicy, cluster }: Environment): readonly Rule[] {
  const dns: Rule = {
    to: [
      namespaceNamed(networkPolicy.dnsNamespace),
      ...networkPolicy.dnsAddresses.map((cidr) => ({ ipBlock: { cidr } })),
    ],
    ports: [port(53, "UDP"), port(53)],
  };
  const daemon: Rule = { to: [namespaceNamed(clusterDaemon.namespace)], ports: [port(clusterDaemon.port)] };
  const servers = networkPolicy.egress.map(
    ({ cidr, ports }): Rule => ({
      to: [{ ipBlock: { cidr } }],
      ...(ports.length === 0 ? {} : { ports: ports.map((number) => port(number)) }),
    }),
  );
  return [dns, ...(cluster.scheduler.kind === "ascendJob" ? [daemon] : []), ...servers];
}

function policy(named: NamedEnvironment, name: string, fields: Rule): PlannedObject {
  return ownObject(named, {
    name: `network-${name}`,
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    objectName: name,
    component: "network",
    fields: { spec: { ...fields, policyTypes: ["Ingress", "Egress"] } },
  });
}

/** A policy for all stage pods, and one for each distributed stage that lets its own pods talk to each other. */
export function networkObjects(named: NamedEnvironment, { stages }: EnvironmentPlan): readonly PlannedObject[] {
  const { environment, environmentName } = named;
  const { enabled, metricsFrom } = environment.networkPolicy;
  if (!enabled) return [];
  const stagePods = {
    "app.kubernetes.io/name": "ascend-stacks",
    "app.kubernetes.io/instance": environmentName,
    "app.kubernetes.io/component": "stage",
  };
  const metrics =
    metricsFrom === undefined
      ? {}
      : {
          ingress: [
            {
              from: [{ namespaceSelector: { matchLabels: metricsFrom } }],
              ports: [{ port: metricsPortName, protocol: "TCP" }],
            },
          ],
        };
  const distributed = stages.filter(({ plan }) => plan.launch.kind === "torchrun");
  return [
    policy(named, "stages", {
      podSelector: { matchLabels: stagePods },
      ...metrics,
      egress: egressRules(environment),
    }),
    ...distributed.map(({ name }) => {
      const pods = { podSelector: { matchLabels: { "ascend-stacks/stage": name } } };
      return policy(named, name, { ...pods, ingress: [{ from: [pods] }], egress: [{ to: [pods] }] });
    }),
  ];
}
