import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ownedVariables, variableName } from "../config/fields.ts";
import { readStack } from "../stack.ts";
import { planEnvironment } from "./pipeline.ts";

const { environment } = readStack(join(import.meta.dirname, "..", ".."), "local");
const [runName = ""] = Object.keys(environment.runs);

function planned(environmentVariables: Readonly<Record<string, string>>, nodes = 1, acceptedVariables: string[] = []) {
  const run = environment.runs[runName];
  if (run === undefined) throw new Error("the local stack has no run");
  const runs = { [runName]: { ...run, nodes, environmentVariables, acceptedVariables } };
  return planEnvironment({ ...environment, cluster: { ...environment.cluster, nodes: 64 }, runs });
}

const own = (plan: ReturnType<typeof planned>) =>
  plan.diagnostics.filter(({ path }) => path.some((key) => /Variables$/.test(String(key))));

describe("environment variables of a run", () => {
  it("are without fault as the recipe sets them, on one node and on several", () => {
    expect(own(planned({}))).toEqual([]);
    expect(own(planned({}, 4))).toEqual([]);
  });

  it("are judged for every recipe, with their place in the stack file", () => {
    expect(own(planned({ HCCL_CONECT_TIMEOUT: "1800" }))).toMatchObject([
      {
        rule: "variable-spelling",
        severity: "error",
        path: ["runs", runName, "environmentVariables", "HCCL_CONECT_TIMEOUT"],
        nearest: ["HCCL_CONNECT_TIMEOUT"],
      },
    ]);
  });

  it("are judged together with those of the recipe", () => {
    expect(own(planned({ HCCL_SOCKET_IFNAME: "bond0" }, 4))).toMatchObject([{ rule: "interfaces-of-nodes" }]);
    expect(own(planned({ HCCL_CONNECT_TIMEOUT: "240" }, 4))).toMatchObject([{ rule: "connect-outlasts-start" }]);
  });

  it("reach the pod when they are free, or known and vouched for", () => {
    const plan = planned({ MY_TEAM: "video", TASK_QUEUE_ENABLE: "3" }, 1, ["TASK_QUEUE_ENABLE"]);
    expect(own(plan)).toMatchObject([{ rule: "variable-value", severity: "warning" }]);
    const stage = plan.stages.find(({ plan: { kind } }) => kind === "npu");
    expect(stage?.plan.environment).toMatchObject({ MY_TEAM: "video", TASK_QUEUE_ENABLE: "3" });
  });
});

describe("names that the scheduler or the launcher sets", () => {
  it.each([...ownedVariables, "MINDX_TASK_ID", "VC_TASK_INDEX", "VK_TASK_INDEX", "PET_NNODES", "TORCHELASTIC_RUN_ID"])(
    "%s is refused",
    (name) => expect(variableName.safeParse(name).success).toBe(false),
  );

  it.each(["HCCL_BUFFSIZE", "RANKING", "VCPUS"])("%s is not", (name) =>
    expect(variableName.safeParse(name).success).toBe(true),
  );
});
