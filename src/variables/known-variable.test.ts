import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance } from "../config/nearest.ts";
import { knownVariables, meantVariables, variableOf } from "./catalogue.ts";
import { guideVariables } from "./guide-variables.ts";
import { type ValueProblem, valueProblem } from "./known-variable.ts";

function judge(name: string, value: string): ValueProblem | undefined {
  const variable = variableOf(name);
  if (variable === undefined) throw new Error(`${name} is not in the catalogue`);
  return valueProblem(variable, value);
}

/** Values of each kind that the runtime takes, and values that it does not. */
const samples: Readonly<Record<string, { readonly good: readonly string[]; readonly bad: readonly string[] }>> = {
  ASCEND_SLOG_PRINT_TO_STDOUT: { good: ["0", "1"], bad: ["2", "true", ""] },
  ASCEND_GLOBAL_LOG_LEVEL: { good: ["0", "4"], bad: ["5", "-1", "error"] },
  TASK_QUEUE_ENABLE: { good: ["0", "1", "2"], bad: ["3", "01"] },
  COMBINED_ENABLE: { good: ["0", "1"], bad: ["on"] },
  CPU_AFFINITY_CONF: {
    good: ["0", "1", "2", "1,npu0:0-1", "2,npu0:0-23,npu1:24-47,npu_affine:1", "1,npu_affine:0"],
    bad: ["3", "", "1,", "1,npu0:5-1", "1,npu0", "1,npu0:0-1,npu0:2-3", "1,npu_affine:2", "1,card0:0-1"],
  },
  HCCL_CONNECT_TIMEOUT: { good: ["120", "7200"], bad: ["119", "7201", "1e3", "20min"] },
  PYTORCH_NPU_ALLOC_CONF: {
    good: [
      "expandable_segments:True",
      "expandable_segments:False,max_split_size_mb:64",
      "max_split_size_mb:21,garbage_collection_threshold:0.6",
      "expandable_segments:True,page_size:1g,segment_size_mb:512",
    ],
    bad: [
      "expandable_segments:true",
      "expandable_segments:True,max_split_size_mb:64",
      "garbage_collection_threshold:0.8,expandable_segments:True",
      "max_split_size_mb:20",
      "garbage_collection_threshold:1",
      "segment_size_mb:513",
      "page_size:2m",
      "expandable_segment:True",
      "expandable_segments:True,expandable_segments:True",
      "",
    ],
  },
  HCCL_EXEC_TIMEOUT: { good: ["0", "68", "17340", "2147483647"], bad: ["-1", "2147483648"] },
  ACLNN_CACHE_LIMIT: { good: ["1", "100000", "10000000"], bad: ["0", "10000001"] },
  TOKENIZERS_PARALLELISM: { good: ["true", "false"], bad: ["True", "1"] },
  MULTI_STREAM_MEMORY_REUSE: { good: ["0", "1", "2", "3"], bad: ["4"] },
  NPU_ASD_ENABLE: { good: ["0", "3"], bad: ["4"] },
  ASCEND_LAUNCH_BLOCKING: { good: ["0", "1"], bad: ["2"] },
  NPUS_PER_NODE: { good: ["8", "16"], bad: ["0", "17"] },
  HCCL_SOCKET_IFNAME: {
    good: ["eth", "=eth0", "^eth", "^=eth0", "=eth0,=bond1".replace(",=", ",")],
    bad: ["", "=", "a b"],
  },
  GLOO_SOCKET_IFNAME: { good: ["eth0", "eth0,eth1"], bad: ["=eth0", "^eth", ""] },
  HCCL_IF_IP: { good: ["10.0.0.1", "fd00::1"], bad: ["10.0.0", "10.0.0.256", "node-1"] },
  HCCL_IF_BASE_PORT: { good: ["1024", "65520"], bad: ["1023", "65521"] },
  HCCL_HOST_SOCKET_PORT_RANGE: {
    good: ["auto", "60000-60050", "60000,60010-60020"],
    bad: ["60050-60000", "0", "a-b", "1-2-3"],
  },
  HCCL_OP_EXPANSION_MODE: { good: ["AI_CPU", "AIV", "HOST"], bad: ["aiv", "CPU"] },
  HCCL_BUFFSIZE: { good: ["200", "800", "1"], bad: ["0", "200M"] },
  HCCL_DETERMINISTIC: { good: ["true", "false", "strict"], bad: ["1", "TRUE"] },
  STREAMS_PER_DEVICE: { good: ["8", "32"], bad: ["16"] },
  HCCL_OP_RETRY_ENABLE: { good: ["L0:0, L1:1, L2:1"], bad: ["L3:1", "1"] },
  HCCL_OP_RETRY_PARAMS: { good: ["MaxCnt:3, HoldTime:5000, IntervalTime:1000"], bad: ["Max:3", "MaxCnt"] },
  RANK_TABLE_FILE: { good: ["/etc/ranks.json"], bad: ["ranks.json"] },
  ASCEND_RT_VISIBLE_DEVICES: { good: ["0", "0,1,7"], bad: ["0,0", "all", ""] },
};

describe.each(Object.entries(samples))("%s", (name, { good, bad }) => {
  it.each(good)("takes %j", (value) => expect(judge(name, value)?.severity).not.toBe("error"));
  it.each(bad)("refuses %j", (value) => {
    const problem = judge(name, value);
    expect(problem?.severity).toBe("error");
    expect(problem?.allowed).not.toBe("");
  });
});

describe("ranges of which sources differ", () => {
  it("takes what CANN takes and warns outside the guide's range", () => {
    expect(judge("HCCL_EXEC_TIMEOUT", "1800")).toBeUndefined();
    expect(judge("HCCL_EXEC_TIMEOUT", "17341")).toMatchObject({ severity: "warning", nearest: ["17340"] });
    expect(judge("HCCL_EXEC_TIMEOUT", "0")).toMatchObject({ severity: "warning", nearest: ["68"] });
    expect(judge("MULTI_STREAM_MEMORY_REUSE", "1")).toBeUndefined();
    expect(judge("MULTI_STREAM_MEMORY_REUSE", "2")).toMatchObject({ severity: "warning", allowed: "usually 0, 1" });
  });

  it("suggests the nearest value for every number outside a range", () => {
    const whole = knownVariables.flatMap((variable) => (variable.values.kind === "integer" ? [variable] : []));
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.integer({ min: -10, max: 2_147_483_657 }), (variable, number) => {
        const problem = valueProblem(variable, String(number));
        if (problem === undefined) return;
        const [nearest = ""] = problem.nearest ?? [];
        const after = valueProblem(variable, nearest);
        expect(problem.severity === "error" ? after?.severity !== "error" : after === undefined).toBe(true);
      }),
    );
  });
});

describe("the catalogue of variables", () => {
  it("holds the fourteen of the guide and each name once, in both languages, with a source", () => {
    expect(guideVariables).toHaveLength(14);
    const names = knownVariables.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, english, chinese, source } of knownVariables) {
      expect(english.length, name).toBeGreaterThan(10);
      expect(/\p{Script=Han}/u.test(chinese), name).toBe(true);
      expect(source.length, name).toBeGreaterThan(3);
    }
  });

  it("takes its own exported values", () => {
    for (const { name, exported } of knownVariables)
      if (exported !== undefined) expect(judge(name, exported.value), name).toBeUndefined();
  });

  it("never takes one known name for another", () => {
    expect(knownVariables.flatMap(({ name }) => meantVariables(name))).toEqual([]);
  });

  it.each([
    ["HCCL_CONECT_TIMEOUT", "HCCL_CONNECT_TIMEOUT"],
    ["hccl_connect_timeout", "HCCL_CONNECT_TIMEOUT"],
    ["TASK_QUEUE_ENABLED", "TASK_QUEUE_ENABLE"],
    ["PYTORCH_NPU_ALLOC_CONFIG", "PYTORCH_NPU_ALLOC_CONF"],
    ["HCCL_BUFFERSIZE", "HCCL_BUFFSIZE"],
    ["NCCL_SOCKET_IFNAME", "HCCL_SOCKET_IFNAME"],
  ])("knows what %s was meant to be", (wrong, meant) => expect(meantVariables(wrong)[0]).toBe(meant));

  it.each(["HF_HOME", "PYTHONPATH", "MY_TEAM", "LD_PRELOAD", "http_proxy", "WANDB_MODE"])(
    "lets %s be a variable of its own",
    (name) => expect(meantVariables(name)).toEqual([]),
  );

  it("finds every name with one letter wrong", () => {
    const letter = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    fc.assert(
      fc.property(fc.constantFrom(...knownVariables), fc.nat(), letter, ({ name }, place, replacement) => {
        const at = place % name.length;
        const wrong = name.slice(0, at) + replacement + name.slice(at + 1);
        fc.pre(variableOf(wrong) === undefined);
        const meant = meantVariables(wrong);
        expect(meant.length).toBeGreaterThan(0);
        expect(meant.every((known) => editDistance(wrong, known) <= 3)).toBe(true);
      }),
    );
  });
});
