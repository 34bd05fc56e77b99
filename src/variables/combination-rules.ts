/** Rules on variables that work together, or against each other, or that runs of several nodes need. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { effective, finding, meetsNodes, type VariableContext, type VariableRule, type Variables } from "./context.ts";

const guide = "MindSpeed-MM 26.0.0 guide";
const cann = "CANN 9.0 reference of environment variables";

const has = (given: Variables, name: string): boolean => Object.hasOwn(given, name);
const numberOf = (value: string | undefined): number | undefined =>
  value !== undefined && /^[0-9]+$/.test(value) ? Number(value) : undefined;

/** Blocking launches do without the operator queue, so asking for both contradicts itself. */
export const queueOrBlocking: VariableRule = {
  name: "queue-or-blocking",
  source: guide,
  check: (given) =>
    given.ASCEND_LAUNCH_BLOCKING === "1" && has(given, "TASK_QUEUE_ENABLE") && given.TASK_QUEUE_ENABLE !== "0"
      ? [
          finding("queue-or-blocking", "error", "TASK_QUEUE_ENABLE", {
            what: "the operator queue is ignored while ASCEND_LAUNCH_BLOCKING is 1",
            got: `"${given.TASK_QUEUE_ENABLE}"`,
            allowed: "0, or no ASCEND_LAUNCH_BLOCKING",
            nearest: ["0"],
          }),
        ]
      : [],
};

/** An event that times out before its operator hides the operator's own message. 0 is for ever. */
export const eventOutlastsOperator: VariableRule = {
  name: "event-outlasts-operator",
  source: "torch_npu 2.7.1 reference of environment variables",
  check: (given, context) => {
    if (!has(given, "HCCL_EVENT_TIMEOUT")) return [];
    const event = numberOf(given.HCCL_EVENT_TIMEOUT);
    const operator = numberOf(effective(given, context, "HCCL_EXEC_TIMEOUT") ?? "1836");
    if (event === undefined || operator === undefined || event === 0 || (operator !== 0 && event > operator)) return [];
    const nearest = operator === 0 ? 0 : operator + 32;
    return [
      finding("event-outlasts-operator", "error", "HCCL_EVENT_TIMEOUT", {
        what: `events must be waited for longer than operators (HCCL_EXEC_TIMEOUT, ${operator === 0 ? "for ever" : `${operator} s`})`,
        got: `${event}`,
        allowed: operator === 0 ? "0" : `above ${operator}, or 0`,
        nearest: [String(nearest)],
      }),
    ];
  },
};

/** One of two settings of the same thing has no effect. */
function shadowed(rule: string, winner: string, loser: string): VariableRule {
  return {
    name: rule,
    source: cann,
    check: (given) =>
      has(given, winner) && has(given, loser)
        ? [
            finding(rule, "warning", loser, {
              what: `the variable has no effect, for ${winner} wins over it`,
              got: `"${given[loser]}"`,
              remedy: `remove one of ${winner} and ${loser}`,
            }),
          ]
        : [],
  };
}

export const addressWinsOverInterface = shadowed("address-over-interface", "HCCL_IF_IP", "HCCL_SOCKET_IFNAME");
export const rangeWinsOverBasePort = shadowed(
  "range-over-base-port",
  "HCCL_HOST_SOCKET_PORT_RANGE",
  "HCCL_IF_BASE_PORT",
);

/** Every pod gets the same variables, so an address of one node is wrong on all others. */
export const addressOfEachNode: VariableRule = {
  name: "address-of-each-node",
  source: "MindCluster 26.0.0 documentation",
  check: (given, { nodes, networkMode }) =>
    has(given, "HCCL_IF_IP") && (nodes > 1 || networkMode === "hostNetwork")
      ? [
          finding("address-of-each-node", "error", "HCCL_IF_IP", {
            what:
              networkMode === "hostNetwork"
                ? "on the host network each pod is given its own node's address"
                : `one address cannot be that of ${nodes} nodes`,
            got: `"${given.HCCL_IF_IP}"`,
            allowed: "no HCCL_IF_IP; the interface is chosen by its name",
            remedy: "remove it; cluster.network.interface names the interface",
          }),
        ]
      : [],
};

/** Both libraries must meet on the same interface of every node, and never on the loopback. */
export const interfacesOfSeveralNodes: VariableRule = {
  name: "interfaces-of-nodes",
  source: "MindCluster 26.0.0 documentation: settings of HCCL do not reach gloo",
  check: (given, context) => {
    if (!meetsNodes(context)) return [];
    const names = ["HCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME"] as const;
    const loops = names.filter((name) => /^=?lo$/.test(given[name] ?? ""));
    if (loops.length > 0)
      return loops.map((name) =>
        finding("interfaces-of-nodes", "error", name, {
          what: `ranks of ${context.nodes} nodes cannot meet on the loopback interface`,
          got: `"${given[name]}"`,
          allowed: "an interface that reaches the other nodes",
          nearest: ["eth0"],
        }),
      );
    return [...missingInterfaces(given, context), ...differingInterfaces(given, context)];
  },
};

function missingInterfaces(given: Variables, context: VariableContext): readonly Diagnostic[] {
  return (["HCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME"] as const)
    .filter((name) => effective(given, context, name) === undefined)
    .filter((name) => name === "GLOO_SOCKET_IFNAME" || effective(given, context, "HCCL_IF_IP") === undefined)
    .map((name) => ({
      severity: "warning" as const,
      rule: "interfaces-of-nodes",
      path: ["environmentVariables"],
      what: `${name} is unset, so ranks of ${context.nodes} nodes guess where to meet`,
      remedy: `set ${name} to the interface inside the pod, e.g. eth0`,
    }));
}

function differingInterfaces(given: Variables, context: VariableContext): readonly Diagnostic[] {
  const hccl = effective(given, context, "HCCL_SOCKET_IFNAME");
  const gloo = effective(given, context, "GLOO_SOCKET_IFNAME");
  const isChosen = has(given, "HCCL_SOCKET_IFNAME") !== has(given, "GLOO_SOCKET_IFNAME");
  if (hccl === undefined || gloo === undefined || !isChosen || hccl.startsWith("^")) return [];
  if (hccl.startsWith("=") ? hccl === `=${gloo}` : gloo.startsWith(hccl)) return [];
  const [name, other] = has(given, "HCCL_SOCKET_IFNAME")
    ? (["HCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME"] as const)
    : (["GLOO_SOCKET_IFNAME", "HCCL_SOCKET_IFNAME"] as const);
  return [
    finding("interfaces-of-nodes", "warning", name, {
      what: `${other} still names another interface ("${effective(given, context, other)}")`,
      got: `"${given[name]}"`,
      remedy: `set ${other} as well, or cluster.network.interface for both`,
    }),
  ];
}

/** Pods of several nodes pull large images at their own pace; 600 s is half of what the guide's scripts allow. */
export const connectOutlastsStart: VariableRule = {
  name: "connect-outlasts-start",
  source: `${guide}; MindCluster 26.0.0 documentation`,
  check: (given, context) => {
    const seconds = numberOf(effective(given, context, "HCCL_CONNECT_TIMEOUT") ?? "120");
    if (!meetsNodes(context) || seconds === undefined || seconds >= 600) return [];
    const found = {
      what: `pods on ${context.nodes} nodes may start minutes apart, and ranks give up after ${seconds} s`,
      allowed: "600 or more",
      nearest: ["1200"],
    };
    return has(given, "HCCL_CONNECT_TIMEOUT")
      ? [finding("connect-outlasts-start", "warning", "HCCL_CONNECT_TIMEOUT", { ...found, got: `${seconds}` })]
      : [
          {
            severity: "warning",
            rule: "connect-outlasts-start",
            path: ["environmentVariables"],
            ...found,
            remedy: "set HCCL_CONNECT_TIMEOUT",
          },
        ];
  },
};

/** Reproducible results need both variables, and the argument that makes operators deterministic. */
export const determinismWhole: VariableRule = {
  name: "determinism-whole",
  source: "MindSpeed-MM v26.0.0, docs/zh/features/deterministic_computing.md",
  check: (given, context) => {
    const isReduced = ["true", "strict"].includes(effective(given, context, "HCCL_DETERMINISTIC") ?? "");
    const isMultiplied = effective(given, context, "CLOSE_MATMUL_K_SHIFT") === "1";
    if (isReduced === isMultiplied) return [];
    const [name, other] = isReduced
      ? ["HCCL_DETERMINISTIC", "CLOSE_MATMUL_K_SHIFT: 1"]
      : ["CLOSE_MATMUL_K_SHIFT", "HCCL_DETERMINISTIC: true"];
    return [
      finding("determinism-whole", "warning", name, {
        what: "the variable alone does not make results reproducible",
        remedy: `set ${other} as well, and the argument npu-deterministic`,
      }),
    ];
  },
};

/** All rules of this file. */
export const combinationRules: readonly VariableRule[] = [
  queueOrBlocking,
  eventOutlastsOperator,
  addressWinsOverInterface,
  rangeWinsOverBasePort,
  addressOfEachNode,
  interfacesOfSeveralNodes,
  connectOutlastsStart,
  determinismWhole,
];
