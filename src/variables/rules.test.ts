import { describe, expect, it } from "vitest";
import type { VariableContext, Variables } from "./context.ts";
import { variableProblems, variableRules } from "./rules.ts";

const defaults: Variables = {
  TASK_QUEUE_ENABLE: "1",
  HCCL_CONNECT_TIMEOUT: "1200",
  PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True",
};
const interfaces: Variables = { HCCL_SOCKET_IFNAME: "eth0", GLOO_SOCKET_IFNAME: "eth0" };
const one: VariableContext = { defaults, nodes: 1, networkMode: "pod", accepted: [] };
const four: VariableContext = { ...one, defaults: { ...defaults, ...interfaces }, nodes: 4 };

/** `rule severity path` of every finding. */
const found = (variables: Variables, context: VariableContext = one): readonly string[] =>
  variableProblems(variables, context).map(({ rule, severity, path }) => `${rule} ${severity} ${path.at(-1)}`);

describe("variables without fault", () => {
  it.each<[string, Variables, VariableContext]>([
    ["none", {}, one],
    ["none on four nodes", {}, four],
    ["the guide's", { HCCL_CONNECT_TIMEOUT: "1800", CPU_AFFINITY_CONF: "2", NPU_ASD_ENABLE: "1" }, four],
    ["free ones", { MY_TEAM: "video", HTTP_PROXY: "http://proxy.example.com:3128" }, one],
    ["a pair of interfaces", { HCCL_SOCKET_IFNAME: "=bond0", GLOO_SOCKET_IFNAME: "bond0" }, four],
    ["long waits", { HCCL_EXEC_TIMEOUT: "3600", HCCL_EVENT_TIMEOUT: "3700" }, one],
    ["reproducible", { HCCL_DETERMINISTIC: "true", CLOSE_MATMUL_K_SHIFT: "1" }, one],
    ["one node with a short wait", { HCCL_CONNECT_TIMEOUT: "120" }, one],
  ])("%s", (_, variables, context) => expect(variableProblems(variables, context)).toEqual([]));
});

describe("each rule", () => {
  const address = { HCCL_IF_IP: "10.0.0.1" };
  it.each<[string, Variables, VariableContext, readonly string[]]>([
    ["spelling", { HCCL_CONECT_TIMEOUT: "1800" }, one, ["variable-spelling error HCCL_CONECT_TIMEOUT"]],
    [
      "spelling, vouched for",
      { TORCH_HOM: "x" },
      { ...one, accepted: ["TORCH_HOM"] },
      ["variable-spelling warning TORCH_HOM"],
    ],
    ["value", { HCCL_CONNECT_TIMEOUT: "60" }, one, ["variable-value error HCCL_CONNECT_TIMEOUT"]],
    [
      "value, vouched for",
      { TASK_QUEUE_ENABLE: "3" },
      { ...one, accepted: ["TASK_QUEUE_ENABLE"] },
      ["variable-value warning TASK_QUEUE_ENABLE"],
    ],
    [
      "value of which sources differ",
      { HCCL_EXEC_TIMEOUT: "20000" },
      one,
      ["variable-value warning HCCL_EXEC_TIMEOUT"],
    ],
    ["secret", { HF_TOKEN: "hf_abc" }, one, ["secrets-by-reference error HF_TOKEN"]],
    ["secret in an address", { https_proxy: "http://me:pw@proxy:80" }, one, ["secrets-by-reference error https_proxy"]],
    [
      "secret, vouched for",
      { API_KEY: "x" },
      { ...one, accepted: ["API_KEY"] },
      ["secrets-by-reference error API_KEY"],
    ],
    ["devices", { ASCEND_VISIBLE_DEVICES: "0" }, one, ["variable-doubtful warning ASCEND_VISIBLE_DEVICES"]],
    ["devices", { ASCEND_RT_VISIBLE_DEVICES: "0" }, one, ["variable-doubtful warning ASCEND_RT_VISIBLE_DEVICES"]],
    ["rank table", { RANK_TABLE_FILE: "/x.json" }, one, ["variable-doubtful warning RANK_TABLE_FILE"]],
    ["script variable", { NPUS_PER_NODE: "8" }, one, ["variable-doubtful warning NPUS_PER_NODE"]],
    ["debugging", { ASCEND_LAUNCH_BLOCKING: "1" }, one, ["variable-doubtful warning ASCEND_LAUNCH_BLOCKING"]],
    ["vouching for nothing", {}, { ...one, accepted: ["X"] }, ["accepted-given error 0"]],
    [
      "queue and blocking",
      { ASCEND_LAUNCH_BLOCKING: "1", TASK_QUEUE_ENABLE: "2" },
      one,
      ["variable-doubtful warning ASCEND_LAUNCH_BLOCKING", "queue-or-blocking error TASK_QUEUE_ENABLE"],
    ],
    [
      "short event",
      { HCCL_EXEC_TIMEOUT: "3600", HCCL_EVENT_TIMEOUT: "3600" },
      one,
      ["event-outlasts-operator error HCCL_EVENT_TIMEOUT"],
    ],
    [
      "event below the default",
      { HCCL_EVENT_TIMEOUT: "1800" },
      one,
      ["event-outlasts-operator error HCCL_EVENT_TIMEOUT"],
    ],
    [
      "event before an endless operator",
      { HCCL_EXEC_TIMEOUT: "0", HCCL_EVENT_TIMEOUT: "9000" },
      one,
      ["variable-value warning HCCL_EXEC_TIMEOUT", "event-outlasts-operator error HCCL_EVENT_TIMEOUT"],
    ],
    [
      "address and interface",
      { ...address, HCCL_SOCKET_IFNAME: "eth0" },
      one,
      ["address-over-interface warning HCCL_SOCKET_IFNAME"],
    ],
    [
      "ports and base port",
      { HCCL_HOST_SOCKET_PORT_RANGE: "auto", HCCL_IF_BASE_PORT: "60000" },
      one,
      ["range-over-base-port warning HCCL_IF_BASE_PORT"],
    ],
    ["one address for all", address, four, ["address-of-each-node error HCCL_IF_IP"]],
    ["address of the host", address, { ...one, networkMode: "hostNetwork" }, ["address-of-each-node error HCCL_IF_IP"]],
    [
      "loopback",
      { HCCL_SOCKET_IFNAME: "=lo", GLOO_SOCKET_IFNAME: "lo" },
      four,
      ["interfaces-of-nodes error HCCL_SOCKET_IFNAME", "interfaces-of-nodes error GLOO_SOCKET_IFNAME"],
    ],
    ["half a pair", { HCCL_SOCKET_IFNAME: "bond0" }, four, ["interfaces-of-nodes warning HCCL_SOCKET_IFNAME"]],
    ["the other half", { GLOO_SOCKET_IFNAME: "bond0" }, four, ["interfaces-of-nodes warning GLOO_SOCKET_IFNAME"]],
    [
      "no interfaces",
      {},
      { ...four, defaults },
      ["interfaces-of-nodes warning environmentVariables", "interfaces-of-nodes warning environmentVariables"],
    ],
    ["short wait", { HCCL_CONNECT_TIMEOUT: "300" }, four, ["connect-outlasts-start warning HCCL_CONNECT_TIMEOUT"]],
    ["default wait", {}, { ...four, defaults: interfaces }, ["connect-outlasts-start warning environmentVariables"]],
    ["half determinism", { HCCL_DETERMINISTIC: "true" }, one, ["determinism-whole warning HCCL_DETERMINISTIC"]],
    ["the other half", { CLOSE_MATMUL_K_SHIFT: "1" }, one, ["determinism-whole warning CLOSE_MATMUL_K_SHIFT"]],
  ])("%s", (_, variables, context, expected) => expect(found(variables, context)).toEqual(expected));

  it("has a name of its own and a source", () => {
    expect(new Set(variableRules.map(({ name }) => name)).size).toBe(variableRules.length);
    expect(variableRules.filter(({ source }) => source === "")).toEqual([]);
  });
});

describe("messages", () => {
  it("say what is meant, what is allowed and how to insist", () => {
    expect(variableProblems({ HCCL_CONECT_TIMEOUT: "1800", HCCL_CONNECT_TIMEOUT: "60" }, one)).toMatchInlineSnapshot(`
      [
        {
          "allowed": "a known variable, or a name of your own that is unlike every known one",
          "got": "HCCL_CONECT_TIMEOUT",
          "nearest": [
            "HCCL_CONNECT_TIMEOUT",
          ],
          "path": [
            "environmentVariables",
            "HCCL_CONECT_TIMEOUT",
          ],
          "remedy": "correct it, or list HCCL_CONECT_TIMEOUT in acceptedVariables",
          "rule": "variable-spelling",
          "severity": "error",
          "what": "the name looks like a misspelt known variable",
        },
        {
          "allowed": "a whole number, 120 to 7200 s",
          "got": ""60"",
          "nearest": [
            "120",
          ],
          "path": [
            "environmentVariables",
            "HCCL_CONNECT_TIMEOUT",
          ],
          "remedy": "list HCCL_CONNECT_TIMEOUT in acceptedVariables",
          "rule": "variable-value",
          "severity": "error",
          "what": "the value is outside its range",
        },
      ]
    `);
  });

  it("never repeat a secret", () => {
    const secret = "s3cr3t-value";
    const variables = { HF_TOKEN: secret, ALL_PROXY: `socks5://me:${secret}@proxy`, AWS_SECRET_ACCESS_KEY: secret };
    const problems = variableProblems(variables, one);
    expect(problems).toHaveLength(3);
    expect(JSON.stringify(problems)).not.toContain(secret);
  });

  it("leave runs alone of which nothing on NPUs is planned", () => {
    const { defaults: _, ...unplanned } = four;
    expect(variableProblems({}, unplanned)).toEqual([]);
  });
});
