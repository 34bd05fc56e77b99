import { mkdirSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  at,
  checkpointFolder,
  contract,
  type Ended,
  input,
  launch,
  rankFolders,
  rankZero,
  run,
  saves,
  script,
  training,
  useRuntime,
  write,
} from "./harness.ts";

/** Cases in which upstream trains from random weights, or ends with 0 though it failed. Each must be stopped or disbelieved. */

useRuntime();

const train = (body: string): Promise<Ended> => {
  script("torchrun", `#!/bin/sh\n${body}\n`);
  return launch(["pretrain.py"], training(), rankZero);
};

describe("before the first step", () => {
  const weights = () => run(["check", "--contract", contract({ inputs: [input({ checkpoint: { rankFolders } })] })]);

  it("finds converted weights that are missing, or have no tracker: random weights would be trained", async () => {
    expect(await weights()).toMatchObject({ code: 71 });
    mkdirSync(at("weights"));
    expect(await weights()).toMatchObject({ code: 73, stderr: expect.stringContaining("random weights") });
  });

  it("finds converted weights of a larger or smaller tensor parallel size: nobody else compares it", async () => {
    checkpointFolder(at("weights"), "release", [...rankFolders, "mp_rank_02"]);
    expect(await weights()).toMatchObject({
      code: 72,
      stderr: expect.stringContaining("cut for another layout; got 3 model ranks"),
    });
    rmSync(at("weights"), { recursive: true });
    checkpointFolder(at("weights"), "release", ["mp_rank_00"]);
    expect(await weights()).toMatchObject({ code: 73, stderr: expect.stringContaining("got no mp_rank_01") });
  });

  it("finds weights that were converted with pipeline parallel for a run without it", async () => {
    checkpointFolder(at("weights"), "release", ["mp_rank_00_000", "mp_rank_01_000"]);
    expect(await weights()).toMatchObject({ code: 73 });
  });

  it("finds an empty rank file", async () => {
    checkpointFolder(at("weights"), "release");
    write(at("weights", "release", "mp_rank_01", "model_optim_rng.pt"), "");
    expect(await weights()).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("is incomplete; got no mp_rank_01"),
    });
  });

  it.each(["", "latest", "5 6", "-3", "12345678901"])(
    "finds a tracker that holds %j: upstream would end with 0",
    async (tracker) => {
      checkpointFolder(at("weights"), "release");
      write(at("weights", "latest_checkpointed_iteration.txt"), tracker);
      expect(await weights()).toMatchObject({ code: 73, stderr: expect.stringContaining("is broken; got") });
    },
  );

  it("finds a tracker that names a checkpoint that is not there", async () => {
    write(at("save", "latest_checkpointed_iteration.txt"), "5");
    expect(await train(saves("10"))).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("names a checkpoint that is not there"),
    });
  });
});

describe("after the last step", () => {
  it.each([
    ["a rank that could not load its checkpoint", "echo could not load the checkpoint; exit 0"],
    ["a program that misses its checkpoint and is told to end", "echo exiting; exit 0"],
    ["an invalid tracker that upstream found itself", "echo ERROR: Invalid metadata file; exit 0"],
  ])("does not believe exit code 0 of %s", async (_, body) => {
    checkpointFolder(at("save"), "5");
    expect(await train(body)).toMatchObject({ code: 76, stderr: expect.stringContaining("got iteration 5") });
  });

  it("does not believe a tracker that was written before its files", async () => {
    expect(
      await train(`${saves("10")} : > ${at("save", "iter_0000010", "mp_rank_01", "model_optim_rng.pt")}`),
    ).toMatchObject({ code: 73 });
  });

  it("believes a training that went further than was asked", async () => {
    expect(await train(saves("12").replaceAll("iter_0000010", "iter_0000012"))).toMatchObject({ code: 0 });
  });
});

describe("the performance line", () => {
  const step = (milliseconds: number): string =>
    `[2026-01-01 00:00:00] iteration 1/ 10 | elapsed time per iteration (ms): ${milliseconds} | global batch size: 4 |`;

  it("is the mean of the last hundred of the first two hundred steps", async () => {
    const lines = [...Array(100).fill(step(900)), ...Array(100).fill(step(500)), ...Array(50).fill(step(100))];
    write(at("log"), `${lines.join("\n")}\n`);
    const ended = await train(`cat ${at("log")}\n${saves("10")}`);
    expect(ended.stdout.trim().split("\n").at(-1)).toBe(
      "Elapsed Time Per iteration: 500.0, Average Samples per Second: 8.000",
    );
  });

  it("is not printed by nodes that see no steps: upstream divides by nothing there", async () => {
    expect(await train(`echo loading\n${saves("10")}`)).toMatchObject({ code: 0, stdout: "loading\n" });
  });
});
