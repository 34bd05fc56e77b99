import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { StageContract } from "../../src/pipeline/contract.ts";
import type { CheckpointRetention } from "../../src/stages/stage-plan.ts";
import {
  at,
  checkpointFolder,
  type Ended,
  launch,
  rankFolders,
  rankZero,
  saves,
  script,
  training,
  useRuntime,
  write,
} from "./harness.ts";

/** Care for the save folder of a training: old checkpoints, leftovers of a crash, permissions. */

useRuntime();

const names = (): readonly string[] =>
  readdirSync(at("save"))
    .filter((name) => name.includes("iter_"))
    .sort();

const iteration = (number: number): string => `iter_${String(number).padStart(7, "0")}`;

function checkpoints(...numbers: readonly number[]): void {
  for (const number of numbers) checkpointFolder(at("save"), String(number));
}

function keeping(retention: CheckpointRetention): Partial<StageContract> {
  const plain = training();
  return { ...plain, success: { ...plain.success, retention } as StageContract["success"] };
}

function train(body: string, overrides: Partial<StageContract> = training(), environment = {}): Promise<Ended> {
  script("torchrun", `#!/bin/sh\n${body}\n`);
  return launch(["pretrain.py"], overrides, { ...rankZero, ASCEND_STACKS_TICK_SECONDS: "0.05", ...environment });
}

describe("retention", () => {
  it.each([
    ["the newest alone", { keepLast: 1 }, [10]],
    ["the newest two", { keepLast: 2 }, [9, 10]],
    ["the newest two and every fourth", { keepLast: 2, keepEvery: 4 }, [4, 8, 9, 10]],
    ["more than there are", { keepLast: 50 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ])("keeps %s", async (_, retention, kept) => {
    checkpoints(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(await train(saves("10"), keeping(retention))).toMatchObject({ code: 0 });
    expect(names()).toEqual(kept.map(iteration));
  });

  it("keeps everything unless the plan says otherwise", async () => {
    checkpoints(1, 2);
    await train(saves("10"));
    expect(names()).toEqual([1, 2, 10].map(iteration));
  });

  it("works while the training runs, and touches neither the tracker's checkpoint nor one that is being written", async () => {
    checkpoints(1, 2, 3);
    const waits = `mkdir -p ${at("save", iteration(4))}; n=0
while ls -A ${at("save")} | grep -q -e deleting -e ${iteration(1)} -e ${iteration(2)}; do sleep 0.05; n=$((n+1)); test $n -gt 100 && exit 5; done
test -d ${at("save", iteration(3))} -a -d ${at("save", iteration(4))} || exit 6
exit 7`;
    expect(await train(waits, keeping({ keepLast: 1 }))).toMatchObject({ code: 7 });
    expect(names()).toEqual([3, 4].map(iteration));
  });

  it("leaves the work to the node with rank 0", async () => {
    checkpoints(1, 2);
    const plan = { ...keeping({ keepLast: 1 }), launch: training(2).launch };
    await train(`sleep 0.3; ${saves("10")}`, plan, { JOB_COMPLETION_INDEX: "1" });
    expect(names()).toEqual([1, 2, 10].map(iteration));
  });

  it("finishes what a crash interrupted", async () => {
    checkpoints(8, 9);
    write(at("save", `.deleting-${iteration(1)}`, "mp_rank_00", "model_optim_rng.pt"), "half gone");
    await train(saves("10"), keeping({ keepLast: 5 }));
    expect(names()).toEqual([8, 9, 10].map(iteration));
  });

  it("never follows a symbolic link", async () => {
    write(at("elsewhere", "mp_rank_00", "model_optim_rng.pt"), "somebody's weights");
    checkpoints(2, 3);
    symlinkSync(at("elsewhere"), at("save", iteration(1)));
    symlinkSync(at("elsewhere"), at("save", iteration(2), "linked"));
    await train(saves("10"), keeping({ keepLast: 1 }));
    expect(names()).toEqual([1, 10].map(iteration));
    expect(existsSync(at("elsewhere", "mp_rank_00", "model_optim_rng.pt"))).toBe(true);
  });

  it("is refused when it would keep nothing", async () => {
    expect(await train(saves("10"), keeping({ keepLast: 0 }))).toMatchObject({ code: 70 });
  });
});

describe("a restart", () => {
  it("removes a checkpoint that a crash left incomplete, and says so", async () => {
    checkpoints(5);
    write(at("save", iteration(6), "mp_rank_00", "model_optim_rng.pt"), "half");
    const ended = await train(`test -e ${at("save", iteration(6))} && exit 3; ${saves("10")}`);
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("iter_0000006 is newer than") });
    expect(ended.stderr).toContain("incomplete");
  });

  it("renames a complete one that the tracker does not name: somebody may have turned the tracker back", async () => {
    checkpoints(6, 5);
    const ended = await train("exit 4");
    expect(ended).toMatchObject({ code: 4, stderr: expect.stringContaining("renamed to aside-iter_0000006-") });
    expect(names()).toEqual([expect.stringMatching(/^aside-iter_0000006-/), iteration(5)]);
  });

  it("clears leftovers when nothing was saved before the crash", async () => {
    mkdirSync(at("save", iteration(1)), { recursive: true });
    expect(await train(saves("10"))).toMatchObject({ code: 0, stderr: expect.stringContaining("first start") });
    expect(names()).toEqual([iteration(10)]);
  });
});

describe("the end", () => {
  it("leaves folders with 750 and files with 640, as upstream does, and nothing outside", async () => {
    write(at("outside"), "x");
    const body = `umask 000; ${saves("10")}\nln -s ${at("outside")} ${at("save", "link")}; chmod 606 ${at("outside")}`;
    expect(await train(body)).toMatchObject({ code: 0, stderr: expect.stringContaining("folders 750, files 640") });
    const mode = (...path: readonly string[]): number => statSync(at(...path)).mode & 0o777;
    expect([mode("save"), mode("save", iteration(10)), mode("save", iteration(10), rankFolders[0] ?? "")]).toEqual([
      0o750, 0o750, 0o750,
    ]);
    expect(mode("save", iteration(10), "mp_rank_01", "model_optim_rng.pt")).toBe(0o640);
    expect(mode("outside")).toBe(0o606);
  });
});
