import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { StageContract } from "../../src/pipeline/contract.ts";
import { placed, schedulers } from "../../tests/placed.ts";
import { at, launch, saves, script, training, useRuntime } from "./harness.ts";

/**
 * The launcher in the environment that each scheduler gives to its pods, with the rendezvous that a plan writes for that scheduler.
 * torchrun is a stub that notes its arguments and its environment. Names in DNS do not resolve here: other nodes than the first wait
 * for the master's name, so they get the loopback address instead.
 */

useRuntime();

type Variables = Readonly<Record<string, string>>;
type Kind = "job" | "jobSet" | "volcanoJob" | "ascendJob";
type Rendezvous = Extract<StageContract["launch"], { kind: "torchrun" }>["rendezvous"];

const stage = "t2v-93x480p-pretrain";
const nodes = 4;

function plannedRendezvous(kind: Kind, count: number): Rendezvous {
  const { objects } = placed({ scheduler: schedulers[kind], nodes: count }, { nodes: count });
  const files = objects.find(({ name }) => name === `${stage}-files`)?.manifest.data as Variables;
  return JSON.parse(files["contract.json"] ?? "").launch.rendezvous;
}

/** What the Ascend Operator appends to the container (env.go of mind-cluster v26.0.0): ranks of nodes, NPUs in all, a list of ranks. */
const operator = (rank: number, count: number): Variables => ({
  MASTER_ADDR: "127.0.0.1",
  MASTER_PORT: "29505",
  WORLD_SIZE: String(8 * count),
  RANK: String(rank),
  LOCAL_WORLD_SIZE: "8",
  LOCAL_RANK: "0,1,2,3,4,5,6,7",
  MINDX_TASK_ID: "0b7d9c1e-0000-4000-8000-000000000000",
  MINDX_SERVER_IP: "10.96.0.20",
  MINDX_SERVER_DOMAIN: "clusterd-grpc-svc.mindx-dl.svc.cluster.local",
  HostNetwork: "false",
  REPLICA_TYPE: rank === 0 ? "Master" : "Worker",
  HCCL_LOGIC_SUPERPOD_ID: "0",
  ASCEND_VISIBLE_DEVICES: "Ascend910-0,Ascend910-1",
});

/** What the plugins `env` and `svc` of Volcano's job controller add. */
const volcano = (rank: number, count: number): Variables => ({
  VC_TASK_INDEX: String(rank),
  VK_TASK_INDEX: String(rank),
  VC_NODE_HOSTS: Array.from({ length: count }, (_, index) => `${stage}-node-${index}.${stage}`).join(","),
  VC_NODE_NUM: String(count),
});

const environments: Readonly<Record<Kind, (rank: number, count: number) => Variables>> = {
  job: (rank) => ({ JOB_COMPLETION_INDEX: String(rank) }),
  jobSet: (rank) => ({ JOB_COMPLETION_INDEX: String(rank) }),
  volcanoJob: volcano,
  ascendJob: operator,
};

const masters: Readonly<Record<Kind, string>> = {
  job: `${stage}-0.${stage}`,
  jobSet: `${stage}-node-0-0.${stage}`,
  volcanoJob: `${stage}-node-0.${stage}`,
  ascendJob: "127.0.0.1",
};

async function started(
  kind: Kind,
  rank: number,
  count = nodes,
): Promise<{ argv: readonly string[]; variables: Variables }> {
  const planned = plannedRendezvous(kind, count);
  const isResolvable = rank === 0 || "variable" in planned.masterAddress;
  const rendezvous = isResolvable ? planned : { ...planned, masterAddress: { value: "127.0.0.1" } };
  script("torchrun", `#!/bin/sh\nprintf '%s\\n' "$@" > ${at("argv")}\nenv -0 > ${at("environment")}\n${saves("10")}`);
  const { success } = training();
  const ended = await launch(
    ["pretrain.py"],
    { launch: { kind: "torchrun", nodes: count, npusPerNode: 8, rendezvous }, success },
    environments[kind](rank, count),
  );
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  const variables = readFileSync(at("environment"), "utf8")
    .split("\0")
    .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)] as const);
  return {
    argv: readFileSync(at("argv"), "utf8").trim().split("\n"),
    variables: Object.fromEntries(variables),
  };
}

const kinds = Object.keys(environments) as Kind[];

describe.each(kinds)("a pod of kind %s", (kind) => {
  it.each([0, 1, 3])("with rank %i starts torchrun as that node of four", async (rank) => {
    const { argv } = await started(kind, rank);
    const address = rank === 0 ? masters[kind] : "127.0.0.1";
    expect(argv).toEqual([
      ...["--nproc_per_node", "8", "--nnodes", "4", "--node_rank", String(rank)],
      ...["--master_addr", address, "--master_port", "29505", "pretrain.py"],
    ]);
  });

  it("alone meets itself on the loopback address", async () => {
    const { argv } = await started(kind, 0, 1);
    expect(argv).toEqual([
      ...["--nproc_per_node", "8", "--nnodes", "1", "--node_rank", "0"],
      ...["--master_addr", "localhost", "--master_port", "29505", "pretrain.py"],
    ]);
  });

  it("is refused with the variable's name when the scheduler has not set it", async () => {
    const rendezvous = plannedRendezvous(kind, nodes);
    const ended = await launch(["pretrain.py"], {
      launch: { kind: "torchrun", nodes, npusPerNode: 8, rendezvous },
      success: training().success,
    });
    const variable = "variable" in rendezvous.nodeRank ? rendezvous.nodeRank.variable : "";
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain(`the variable ${variable} is not set`);
  });
});

describe("the operator's ranks", () => {
  it("do not reach torchrun, whose own mean processes; all else does", async () => {
    const { variables } = await started("ascendJob", 1);
    for (const name of ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"])
      expect(variables).not.toHaveProperty(name);
    expect(variables).toMatchObject({
      HCCL_LOGIC_SUPERPOD_ID: "0",
      MINDX_TASK_ID: expect.any(String),
      REPLICA_TYPE: "Worker",
    });
  });
});
