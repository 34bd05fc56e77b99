import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { ConversionNeeds } from "../../src/stages/stage-plan.ts";
import {
  at,
  checkpointFolder,
  type Ended,
  input,
  launch,
  output,
  rankFolders,
  script,
  useRuntime,
  write,
} from "./harness.ts";

/** Traps of weight conversion. Weights are small files of the real forms: safetensors, and the zip archives that torch writes. */

useRuntime();

/** A safetensors file: length of the header, header, bytes. */
function safetensors(path: string, tensors: Readonly<Record<string, number>>): string {
  let offset = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, bytes]) => {
      const begin = offset;
      offset += bytes;
      return [name, { dtype: "BF16", shape: [bytes / 2], data_offsets: [begin, offset] }];
    }),
  );
  const text = Buffer.from(JSON.stringify({ __metadata__: { format: "pt" }, ...header }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return write(path, Buffer.concat([length, text, Buffer.alloc(offset)]));
}

/** A program that saves ranks as torch does; `ranks` are folder names with the bytes of their tensors. */
function converter(ranks: Readonly<Record<string, readonly number[]>>, tracker = "release"): void {
  script(
    "convert",
    `#!/usr/bin/env python3
import pathlib, sys, zipfile
target = pathlib.Path(sys.argv[1])
for rank, storages in ${JSON.stringify(ranks)}.items():
    folder = target / "release" / rank
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "model_optim_rng.pt", "w") as archive:
        archive.writestr("model_optim_rng/data.pkl", b"pickle")
        for number, size in enumerate(storages):
            archive.writestr(f"model_optim_rng/data/{number}", bytes(size))
(target / "latest_checkpointed_iteration.txt").write_text(${JSON.stringify(tracker)})
`,
  );
}

const needs = (overrides: Partial<ConversionNeeds> = {}): ConversionNeeds => ({
  sourcePath: at("source"),
  sourceFiles: ["**/*.safetensors"],
  copies: 3,
  memorySetting: "conversion.memoryGiB",
  ...overrides,
});

const target = (): string => at("volume", "converted");

function convert(ranks: readonly string[] = rankFolders, conversion: Partial<ConversionNeeds> = {}): Promise<Ended> {
  return launch(
    ["convert", target()],
    {
      stage: "convertDit",
      outputs: [output({ title: "DiT weights", requiredFiles: [], checkpoint: { rankFolders: ranks } })],
      inputs: [input({ path: at("source") })],
      conversion: needs(conversion),
    },
    { ASCEND_STACKS_CGROUP: at("cgroup") },
  );
}

beforeEach(() => {
  safetensors(at("source", "deep", "model-1.safetensors"), { "layer.0": 4000, "layer.1": 4000 });
  safetensors(at("source", "model-2.safetensors"), { "layer.1": 4000, "layer.2": 2000 });
});

describe("the result of a conversion", () => {
  it("is believed when the ranks together hold every tensor", async () => {
    converter({ mp_rank_00: [2000, 2000, 1000], mp_rank_01: [2000, 2000, 1000] });
    expect(await convert()).toMatchObject({ code: 0 });
    expect(readFileSync(join(target(), "latest_checkpointed_iteration.txt"), "utf8")).toBe("release");
  });

  it("may hold tensors on several ranks, and layers on several pipeline stages", async () => {
    const stages = ["mp_rank_00_000", "mp_rank_00_001", "mp_rank_01_000", "mp_rank_01_001"];
    converter(Object.fromEntries(stages.map((name) => [name, name.endsWith("0") ? [2000, 1000] : [2500]])));
    expect(await convert(stages)).toMatchObject({ code: 0 });
  });

  it.each([
    [
      "layers are missing",
      { mp_rank_00: [2000, 2000], mp_rank_01: [2000, 2000] },
      "has lost layers: the tensors of all ranks hold 8000 bytes; expected at least the source's 10000",
    ],
    ["ranks are uneven", { mp_rank_00: [6000], mp_rank_01: [4000] }, "was cut unevenly"],
  ])("is refused when %s", async (_, ranks, message) => {
    converter(ranks);
    expect(await convert()).toMatchObject({ code: 76, stderr: expect.stringContaining(message) });
    expect(existsSync(target())).toBe(false);
  });

  it.each([
    ["a number as tracker", "5000", 73],
    ["a newline behind its tracker", "release\n", 73],
  ])("is refused with %s", async (_, tracker, code) => {
    converter({ mp_rank_00: [5000], mp_rank_01: [5000] }, tracker);
    expect(await convert()).toMatchObject({ code });
    expect(existsSync(target())).toBe(false);
  });

  it("is refused with a rank too few or too many", async () => {
    converter({ mp_rank_00: [10000] });
    expect(await convert()).toMatchObject({ code: 73, stderr: expect.stringContaining("got no mp_rank_01") });
    converter({ mp_rank_00: [5000], mp_rank_01: [5000], mp_rank_02: [5000] });
    expect(await convert()).toMatchObject({ code: 72 });
  });

  it("is made in a fresh folder each time: the converter refuses one that it has written to before", async () => {
    converter({ mp_rank_00: [5000], mp_rank_01: [5000] });
    write(join(`${target()}.partial-old`, "release", "mp_rank_00", "model_optim_rng.pt"), "half");
    expect(await convert()).toMatchObject({ code: 0 });
  });
});

describe("memory", () => {
  const limit = (file: string, bytes: string): void => void write(at("cgroup", file), `${bytes}\n`);

  beforeEach(() => {
    converter({ mp_rank_00: [5000], mp_rank_01: [5000] });
    const sparse = `import os; os.makedirs(${JSON.stringify(at("large"))}); os.truncate(os.open(${JSON.stringify(at("large", "w.safetensors"))}, os.O_CREAT | os.O_WRONLY), 8 << 30)`;
    expect(spawnSync("python3", ["-c", sparse]).status).toBe(0);
  });

  it.each([
    ["cgroup version 2", "memory.max"],
    ["cgroup version 1", "memory/memory.limit_in_bytes"],
  ])("that would not hold the converter's copies is refused with the setting to raise (%s)", async (_, file) => {
    limit(file, String(16 * 2 ** 30));
    const ended = await convert(rankFolders, { sourcePath: at("large") });
    expect(ended.code).toBe(74);
    expect(ended.stderr).toContain(
      "it holds 3 copies of 8.0 GiB; got a limit of 16.0 GiB; expected at least 24.0 GiB; set conversion.memoryGiB to 27 or more",
    );
  });

  it.each([
    ["is large enough", "memory.max", String(16 * 2 ** 30)],
    ["is not limited", "memory.max", "max"],
    ["is not limited in version 1", "memory/memory.limit_in_bytes", "9223372036854771712"],
  ])("is no obstacle when it %s", async (_, file, bytes) => {
    limit(file, bytes);
    expect(await convert()).toMatchObject({ code: 0 });
  });
});

describe("cutting a training's weights anew", () => {
  const resplit = (): Promise<Ended> =>
    convert(["mp_rank_00"], { sourceFiles: [], isCheckpointSource: true, copies: 2 });

  beforeEach(() => {
    converter({ mp_rank_00: [5000] });
  });

  it("joins tensor parallel ranks of the newest iteration", async () => {
    checkpointFolder(at("source"), "10");
    expect(await resplit()).toMatchObject({ code: 0 });
  });

  it("accepts an iteration with a newline, as editors write it", async () => {
    checkpointFolder(at("source"), "10");
    write(at("source", "latest_checkpointed_iteration.txt"), "10\n");
    expect(await resplit()).toMatchObject({ code: 0 });
  });

  it("refuses pipeline parallel checkpoints: upstream fails on them, or writes garbled weights", async () => {
    checkpointFolder(at("source"), "10", ["mp_rank_00_000", "mp_rank_00_001"]);
    const ended = await resplit();
    expect(ended.code).toBe(73);
    expect(ended.stderr).toContain("saved with pipeline parallel");
    expect(ended.stderr).toContain("train with pipeline parallel 1");
  });

  it("refuses a tracker on which the converter fails, with the command that mends it", async () => {
    checkpointFolder(at("source"), "release");
    write(at("source", "latest_checkpointed_iteration.txt"), "release\n");
    expect(await resplit()).toMatchObject({ code: 73, stderr: expect.stringContaining("run `printf release > ") });
  });

  it("refuses a folder without checkpoint", async () => {
    mkdirSync(at("source"), { recursive: true });
    expect(await resplit()).toMatchObject({
      code: 71,
      stderr: expect.stringContaining("let the training save one first"),
    });
  });

  it("counts the newest iteration alone as memory", async () => {
    checkpointFolder(at("source"), "9");
    checkpointFolder(at("source"), "10");
    write(at("cgroup", "memory.max"), String(2 * 2 * "weights".length));
    expect(await resplit()).toMatchObject({ code: 0 });
    write(at("cgroup", "memory.max"), String(2 * 2 * "weights".length - 1));
    expect(await resplit()).toMatchObject({ code: 74 });
  });
});
