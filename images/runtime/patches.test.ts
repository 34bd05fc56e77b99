import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { at, contract, run, useRuntime, write } from "./harness.ts";

/** Repairs of upstream's code, on stand-ins: files of the same names that hold the replaced words and little else. */

useRuntime();

const pipeline = "mindspeed_mm/tasks/inference/pipeline/opensoraplan_pipeline.py";
const sparse = "mindspeed_mm/models/predictor/dits/video_dit_sparse.py";
const clips = "mindspeed_mm/data/datasets/t2v_dataset.py";
const features = "mindspeed_mm/tools/feature_extraction/get_sora_feature.py";

/** Stand-ins in Python that runs: only torch, Megatron and NumPy are played by small objects. */
const standIns: Readonly<Record<string, string>> = {
  [pipeline]: `class torch:
    cat = staticmethod(lambda parts: sum(parts, []))

class Pipeline:
    def call(self, guidance_scale):
        do_classifier_free_guidance = guidance_scale > 1.0
        return self.helper([1], [2])

    def helper(self, masked_pixel_values, mask):
        masked_pixel_values = torch.cat(
            [masked_pixel_values] * 2) if do_classifier_free_guidance else masked_pixel_values
        mask = torch.cat([mask] * 2) if do_classifier_free_guidance else mask
        return masked_pixel_values, mask
`,
  [sparse]: `class torch:
    ones = staticmethod(lambda shape, device: Tensor(shape))

class mpu:
    get_context_parallel_world_size = staticmethod(lambda: 2)

class Tensor:
    device = "npu"

    def __init__(self, shape):
        self.shape = shape

    def clone(self):
        return self

    detach = clone

    def to(self, _):
        return self

class Model:
    patch_size_t, dtype = 1, "bf16"

    def forward(self, latents, video_mask, batch_size, frames, h, w):
        origin_video_mask = video_mask.clone().detach().to(self.dtype)
        return origin_video_mask
`,
  [clips]: `from concurrent.futures import ThreadPoolExecutor
import random

class np:
    class random:
        randint = staticmethod(lambda low, high: random.randrange(low, high))

class Clips:
    def __init__(self, readable):
        self.readable = readable
        self.timeout = 5
        self.executor = ThreadPoolExecutor(1)

    def __len__(self):
        return len(self.readable)

    def getitem(self, index):
        if not self.readable[index]:
            raise OSError("cut off")
        return index

    def __getitem__(self, index):
        try:
            future = self.executor.submit(self.getitem, index)
            data = future.result(timeout=self.timeout)
            return data
        except Exception as e:
            return self.__getitem__(np.random.randint(0, self.__len__() - 1))
`,
  [features]: `import copy
import os

def safe(file_path):
    base_name = os.path.basename(file_path)
    return base_name.replace(".", "_") + ".pt"
`,
};

function checkout(): string {
  for (const [file, text] of Object.entries(standIns)) write(at("mm", file), text);
  return at("mm");
}

const apply = (...only: readonly string[]) =>
  run(["apply-patches", "--root", at("mm"), ...(only.length === 0 ? [] : ["--only", ...only])]);

/** Runs a line of Python behind a stand-in; returns what it printed, or its last error line. */
function python(file: string, line: string): string {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", `${readFileSync(at("mm", file), "utf8")}\n${line}`], {
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : (stderr.trim().split("\n").at(-1) ?? "");
}

describe("apply-patches", () => {
  it("repairs everything once, and says so", async () => {
    checkout();
    const first = await apply();
    expect(first.code).toBe(0);
    expect(first.stderr.match(/: applied/g)).toHaveLength(4);
    const files = Object.keys(standIns);
    const texts = files.map((file) => readFileSync(at("mm", file), "utf8"));
    const second = await apply();
    expect(second.stderr.match(/was there already/g)).toHaveLength(4);
    expect(files.map((file) => readFileSync(at("mm", file), "utf8"))).toEqual(texts);
  });

  it("repairs what is named alone, and keeps the file's permissions", async () => {
    chmodSync(`${checkout()}/${pipeline}`, 0o640);
    expect(await apply("i2v-inference-guidance")).toMatchObject({ code: 0 });
    expect(statSync(at("mm", pipeline)).mode & 0o777).toBe(0o640);
    expect(readFileSync(at("mm", sparse), "utf8")).toBe(standIns[sparse]);
  });

  it("refuses code of neither form, with its state, and changes nothing", async () => {
    checkout();
    write(at("mm", sparse), "# rewritten upstream\n");
    const ended = await apply();
    expect(ended.code).toBe(74);
    expect(ended.stderr).toContain("got the old words 0 times and the new ones 0 times; expected either 1 times");
    expect(readFileSync(at("mm", pipeline), "utf8")).toBe(standIns[pipeline]);
  });

  it("refuses an unknown name with the known ones, and a folder without MindSpeed-MM", async () => {
    checkout();
    expect(await apply("i2v-guidance")).toMatchObject({
      code: 74,
      stderr: expect.stringContaining("expected one of i2v-inference-guidance, "),
    });
    expect(await run(["apply-patches", "--root", at("bin")])).toMatchObject({ code: 74 });
  });
});

describe("each repair", () => {
  it("i2v-inference-guidance: the helper knows whether guidance is on", async () => {
    checkout();
    const line = "print(Pipeline().call(7.5), Pipeline().call(1.0))";
    expect(python(pipeline, line)).toContain("NameError");
    await apply("i2v-inference-guidance");
    expect(python(pipeline, line)).toBe("([1, 1], [2, 2]) ([1], [2])");
  });

  it("feature-training-without-mask: a missing mask covers all frames, of all context parallel ranks", async () => {
    checkout();
    const line =
      "print(Model().forward(Tensor(()), None, 1, 6, 44, 80).shape, Model().forward(Tensor(()), Tensor('kept'), 1, 6, 4, 8).shape)";
    expect(python(sparse, line)).toContain("AttributeError");
    await apply("feature-training-without-mask");
    expect(python(sparse, line)).toBe("(1, 12, 44, 80) kept");
  });

  it("unreadable-dataset-ends: a hundred bad samples in a row are enough, a good one in between is not counted", async () => {
    checkout();
    await apply("unreadable-dataset-ends");
    expect(python(clips, "print(Clips([False])[0])")).toContain("the last error was: OSError('cut off')");
    expect(python(clips, "clips = Clips([False, True]); print(sum(clips[0] for _ in range(200)))")).toBe("200");
  });

  it("feature-names-by-folder: equal names in different folders stay apart", async () => {
    checkout();
    await apply("feature-names-by-folder");
    const [left, right] = python(features, "print(safe('/data/a/v.mp4'), safe('/data/b/v.mp4'))").split(" ");
    expect(left).toMatch(/^[0-9a-f]{8}_v_mp4\.pt$/);
    expect(right).not.toBe(left);
  });
});

describe("preflight", () => {
  const check = () =>
    run(["check", "--contract", contract({ workingDirectory: at("mm"), patches: ["i2v-inference-guidance"] })]);

  it("demands the stage's patches, and says what happens without them and what to do", async () => {
    checkout();
    const ended = await check();
    expect(ended.code).toBe(74);
    expect(ended.stderr).toContain("the image lacks patch i2v-inference-guidance");
    expect(ended.stderr).toContain("NameError");
    expect(ended.stderr).toContain(`apply-patches --root ${at("mm")}`);
    expect(await run(["check-patches", "--root", at("mm"), "--patch", "i2v-inference-guidance"])).toMatchObject({
      code: 74,
    });
    await apply("i2v-inference-guidance");
    expect(await check()).toMatchObject({ code: 0 });
    expect(await run(["check-patches", "--root", at("mm"), "--patch", "i2v-inference-guidance"])).toMatchObject({
      code: 0,
    });
    expect(await run(["check-patches", "--root", at("mm")])).toMatchObject({ code: 74 });
  });
});
