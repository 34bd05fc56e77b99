import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StageContract } from "../../src/pipeline/contract.ts";
import { distributedCheckpoint } from "../../src/stages/artifacts.ts";
import {
  at,
  contract,
  identity,
  input,
  launch,
  rankZero,
  run,
  script,
  torchrun,
  useRuntime,
  write,
} from "./harness.ts";

/** Checkpoints of the format torch_dcp: an index and as many files as ranks had something to write. */

useRuntime();

const training = (iteration = 10): Pick<StageContract, "launch" | "success"> => ({
  launch: torchrun(),
  success: {
    kind: "checkpoint",
    folder: at("save"),
    iteration,
    identity,
    retention: { keepLast: 1 },
    ...distributedCheckpoint,
  },
});

const track = (tracker: string): string => write(at("save", "latest_checkpointed_iteration.txt"), tracker);

/** A checkpoint of torch.distributed.checkpoint with two writing ranks; without `names` a whole one. */
function saved(iteration: number, names: readonly string[] = [".metadata", "__0_0.distcp", "__1_0.distcp"]): string {
  const folder = at("save", `iter_${String(iteration).padStart(7, "0")}`);
  for (const name of names) write(join(folder, name), "weights");
  return folder;
}

const saves = (iteration: number): string => `#!/bin/sh
folder=${at("save")}/iter_${String(iteration).padStart(7, "0")}
mkdir -p $folder
for name in .metadata __0_0.distcp; do echo weights > $folder/$name; done
printf ${iteration} > ${at("save")}/latest_checkpointed_iteration.txt
`;

describe("a training that saves in the format torch_dcp", () => {
  it("succeeds when the iteration is saved with its index, and keeps the newest checkpoint alone", async () => {
    track("5");
    saved(5);
    script("torchrun", saves(10));
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({ code: 0 });
    expect(readdirSync(at("save")).filter((name) => name.startsWith("iter_"))).toEqual(["iter_0000010"]);
  });

  it.each([
    ["index", ["__0_0.distcp"], "got no .metadata"],
    ["files of a rank", [".metadata"], "got no __*.distcp"],
  ])("is refused when the checkpoint to go on from has no %s", async (_, names, message) => {
    track("5");
    saved(5, names);
    script("torchrun", `#!/bin/sh\ntouch ${at("started")}\n`);
    const ended = await launch(["pretrain.py"], training(), rankZero);
    expect(ended).toMatchObject({ code: 73, stderr: expect.stringContaining(message) });
    expect(existsSync(at("started"))).toBe(false);
  });

  it("is refused when the folder holds checkpoints of the format torch", async () => {
    track("5");
    write(join(saved(5), "mp_rank_00", "model_optim_rng.pt"), "weights");
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({
      code: 72,
      stderr: expect.stringContaining("mp_rank_00"),
    });
  });

  it("fails when the program ends well before its iteration", async () => {
    script("torchrun", saves(5));
    expect((await launch(["pretrain.py"], training(), rankZero)).code).not.toBe(0);
  });

  it("removes a checkpoint whose writing was cut off, and sets a whole newer one aside", async () => {
    track("5");
    saved(5);
    saved(7);
    saved(8, ["__0_0.distcp"]);
    script("torchrun", saves(10));
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({ code: 0 });
    const left = readdirSync(at("save"));
    expect(left.filter((name) => name.includes("0000008"))).toEqual([]);
    expect(left.filter((name) => name.startsWith("aside-iter_0000007"))).toHaveLength(1);
  });
});

it("refuses a layout that would prove nothing", async () => {
  const file = contract({ inputs: [input({ checkpoint: { files: [] } })] });
  expect(await run(["check", "--contract", file])).toMatchObject({ code: 70 });
});
