import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { run as runProgram } from "../../tools/processes.ts";
import { at, contract, type Ended, launch, output, run, runtime, start, useRuntime, write } from "./harness.ts";
import { tinyMp4 } from "./tiny-videos.ts";

/** `prepare-dataset` as pods run it. */

type Entry = Readonly<Record<string, unknown>>;

useRuntime();

const readJson = (...names: readonly string[]): Record<string, unknown> =>
  JSON.parse(readFileSync(at(...names), "utf8")) as Record<string, unknown>;

/** The settings of the guide's dynamic text-to-video training, on one NPU. */
const dynamic = ["--frames", "93", "--minimum-frames", "29", "--context-parallel", "1", "--resolution", "dynamic"];
const fixed = [
  ...["--frames", "93", "--minimum-frames", "93", "--context-parallel", "1"],
  ...["--resolution", "static", "--height", "352", "--width", "640"],
];

const command = (annotations: readonly string[], extra: readonly string[] = dynamic): readonly string[] => [
  ...["prepare-dataset", "--data-folder", at("videos"), "--output", at("out")],
  ...annotations.flatMap((annotation) => ["--annotation", annotation]),
  ...["--global-batch-size", "1", ...extra],
];

const prepare = (annotation: string, ...extra: readonly string[]): Promise<Ended> =>
  run(command([annotation], [...dynamic, ...extra]));

const clip = (overrides: Entry = {}): Entry => ({
  path: "a.mp4",
  cap: "a cat",
  resolution: { height: 480, width: 640 },
  fps: 24,
  num_frames: 100,
  ...overrides,
});

const good = Array.from({ length: 4 }, () => clip());
const notes = (entries: readonly unknown[], name = "notes.json"): string => write(at(name), JSON.stringify(entries));

/** The annotations that were written. */
const written = (name = "1-notes.json"): readonly Entry[] =>
  JSON.parse(readFileSync(at("out", "annotations", name), "utf8")) as readonly Entry[];

/** Several calls in one process, for starting Python takes longer than they do. */
const several = `
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
from ascend_runtime.main import main
results = []
for words in json.loads(sys.argv[2]):
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main(words)
    results.append({"code": code, "stdout": stdout.getvalue(), "stderr": stderr.getvalue()})
print(json.dumps(results))
`;

async function runSeveral(calls: readonly (readonly string[])[]): Promise<readonly Ended[]> {
  const { code, stdout, stderr } = await runProgram("python3", ["-c", several, runtime, JSON.stringify(calls)]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as readonly Ended[];
}

beforeEach(() => {
  mkdirSync(at("videos"));
  write(at("videos", "a.mp4"), tinyMp4());
});

describe("entries", () => {
  const unusable: readonly (readonly [string, unknown])[] = [
    ["no path", 3],
    ["no path", clip({ path: 3 })],
    ["no path", clip({ path: "" })],
    ["no caption", clip({ cap: undefined })],
    ["no caption", clip({ cap: " " })],
    ["no caption", clip({ cap: [] })],
    ["no caption", clip({ cap: [null, ""] })],
    ["no resolution", clip({ resolution: null })],
    ["no resolution", clip({ resolution: { height: 0, width: 640 } })],
    ["no resolution", clip({ resolution: { height: "480", width: 640 } })],
    ["no resolution", clip({ resolution: { height: 480.5, width: 640 } })],
    ["unknown file type", clip({ path: "a.txt" })],
    ["a tensor, which only training from features reads", clip({ path: "a.pt" })],
    ["an image, not a video", clip({ path: "a.jpg" })],
    ["the aesthetic score is no number", clip({ aes: "high" })],
    ["no frame rate", clip({ fps: undefined })],
    ["no frame rate", clip({ fps: 0 })],
    ["no duration", clip({ num_frames: undefined })],
    ["no duration", clip({ num_frames: "100" })],
    ["no duration", clip({ num_frames: 1e300 })],
    ["no duration", clip({ num_frames: undefined, duration: 1e308 })],
    ["cut is no list that begins with a frame", clip({ cut: [] })],
    ["cut is no list that begins with a frame", clip({ cut: null })],
    ["the crop box is no list of four numbers", clip({ crop: null })],
    ["the crop box is empty", clip({ crop: [10, 10, 0, 100] })],
    // 42 frames at 24 a second are 28 at 16.
    ["too few frames", clip({ num_frames: 42 })],
    ["too narrow or too wide", clip({ resolution: { height: 300, width: 700 } })],
    ["picture too small", clip({ resolution: { height: 200, width: 280 } })],
    ["picture too small", clip({ resolution: { height: 31, width: 4000 } })],
    ["file missing or empty", clip({ path: "absent.mp4" })],
    ["file missing or empty", clip({ path: "empty.mp4" })],
    ["file missing or empty", clip({ path: "a\u0000.mp4" })],
  ];

  it("are dropped with a reason when the trainer would drop them or stop at them", async () => {
    write(at("videos", "empty.mp4"), "");
    const ended = await prepare(notes([...good, ...unusable.map(([, entry]) => entry)]));
    expect(ended).toMatchObject({ code: 0 });
    const expected: Record<string, number> = {};
    for (const [reason] of unusable) expected[reason] = (expected[reason] ?? 0) + 1;
    expect(readJson("out", "report.json")).toMatchObject({ read: 36, usable: 4, corrected: {}, dropped: expected });
    expect(readJson("out", "report.json").dropped).toEqual(expected);
    expect(written()).toEqual(good);
    expect(ended.stdout).toContain("dropped 3: file missing or empty (such as absent.mp4)");
  });

  it("are set right where the trainer would stumble", async () => {
    const entries = [
      clip({ cap: ["a cat"], aes: 6 }),
      clip({ cap: ["a cat", "", "a tom"] }),
      clip({ resolution: { height: 480.0, width: 640 } }),
      clip({ crop: [0, 320, 0, 240], num_frames: 90 }),
      clip({ crop: [null, null, null, null] }),
    ];
    // JSON.stringify prints no decimal point for whole numbers; Python and pandas do. NaN is how pandas writes an absent value.
    const text = JSON.stringify(entries).replace(
      '"height":480,"width":640},"fps":24,"num_frames":100},{"path"',
      (found) => found.replace("480", "480.0"),
    );
    expect(text).toContain("480.0");
    const withNan = text.replace('"aes":6', '"aes":6,"aesthetic":NaN');
    const ended = await prepare(write(at("notes.json"), withNan), "--small-buckets", "keep");
    expect(ended).toMatchObject({ code: 0 });
    expect(readJson("out", "report.json").corrected).toEqual({
      "a list with one caption": 1,
      "a list with captions that are empty": 1,
      "a size with a decimal point": 1,
      "the crop box has another resolution": 1,
    });
    expect(written()).toMatchObject([
      { cap: "a cat", aesthetic: null },
      { cap: ["a cat", "a tom"] },
      { resolution: { height: 480, width: 640 } },
      { resolution: { height: 240, width: 320 } },
      clip({ crop: [null, null, null, null] }),
    ]);
    expect(readFileSync(at("out", "annotations", "1-notes.json"), "utf8")).not.toMatch(/NaN|480\.0/);
  });

  it("keep pictures when asked to", async () => {
    write(at("videos", "a.png"), "picture");
    const pictures = Array.from({ length: 4 }, () => ({
      path: "a.png",
      cap: "a cat",
      resolution: { height: 480, width: 640 },
    }));
    expect(await prepare(notes(pictures), "--images", "keep")).toMatchObject({ code: 0 });
    expect(readJson("out", "report.json").buckets).toMatchObject([{ frames: 1, height: 384, width: 544, clips: 4 }]);
  });
});

describe("files", () => {
  const whole = tinyMp4();
  const chunks = whole.indexOf("stco") + 12;
  const unusable: readonly (readonly [string, Buffer])[] = [
    ["unreadable file: cut off", whole.subarray(0, whole.length - 1)],
    // Without its index, and with one that points behind the end.
    ["unreadable file: cut off", Buffer.concat([whole.subarray(0, 16), whole.subarray(-6408)])],
    ["unreadable file: cut off", Buffer.from(whole).fill(0xff, chunks, chunks + 4)],
    ["unreadable file: broken header", Buffer.from(whole).fill(0, 16, 20).fill(2, 19, 20)],
    ["unreadable file: no pictures inside", tinyMp4({ frames: 0 })],
    ["unreadable file: not a video of a known kind", Buffer.from("<html>not found</html>")],
    ["too few frames (the file has fewer frames)", tinyMp4({ frames: 40 })],
    ["too narrow or too wide (the file has another resolution)", tinyMp4({ width: 1000, height: 300 })],
  ];

  it("that the trainer could not read, or would not take, are dropped", async () => {
    const names = unusable.map(([, content], index) => write(at("videos", `${index}.mp4`), content).slice(-5));
    expect(await prepare(notes([...good, ...names.map((path) => clip({ path }))]))).toMatchObject({ code: 0 });
    const expected: Record<string, string[]> = {};
    for (const [index, [reason]] of unusable.entries())
      expected[reason] = [...(expected[reason] ?? []), `${index}.mp4`];
    expect(readJson("out", "report.json").examples).toEqual(expected);
    expect(written()).toEqual(good);
  });

  it("that differ from their annotation are believed, and the difference is reported", async () => {
    write(at("videos", "b.mp4"), tinyMp4({ width: 1280, height: 720, frames: 80 }));
    write(at("videos", "c.mp4"), tinyMp4({ rate: 30, frames: 150 }));
    write(at("videos", "d.mp4"), tinyMp4({ isTurned: true }));
    const paths = ["c.mp4", "d.mp4"].map((path) => clip({ path }));
    const entries = [...good, clip({ path: "b.mp4", cut: [10] }), ...paths];
    const ended = await prepare(notes(entries), "--small-buckets", "keep");
    expect(ended.stdout).toContain("corrected 2: the file has another resolution (such as b.mp4)");
    expect(readJson("out", "report.json").corrected).toEqual({
      "the file has another resolution": 2,
      "the file has fewer frames": 1,
      "the file has another frame rate": 1,
    });
    expect(written().slice(4)).toEqual([
      clip({ path: "b.mp4", cut: [10], resolution: { height: 720, width: 1280 }, num_frames: 70 }),
      // 100 frames at 24 a second last as long as 125 at 30.
      clip({ path: "c.mp4", fps: 30, num_frames: 125 }),
      clip({ path: "d.mp4", resolution: { height: 640, width: 480 } }),
    ]);
  });

  it("are not opened with --probe exists", async () => {
    write(at("videos", "a.mp4"), "no video");
    expect(await prepare(notes(good), "--probe", "exists")).toMatchObject({ code: 0 });
    expect(written()).toEqual(good);
  });
});

describe("buckets", () => {
  /** Size and length of a clip, settings, and the bucket that upstream's arithmetic gives. */
  const cases: readonly (readonly [string, Entry, readonly string[], readonly [number, number, number]])[] = [
    // 100 frames at 24 a second are 67 at 16; the longest 4k + 1 is 65. √(225280 / (480 · 640)) = 0.8563: 411 × 548.
    ["resampled", {}, dynamic, [65, 384, 544]],
    // Within 0.1 of the training's rate nothing is resampled.
    ["of nearly the same rate", { fps: 15.95 }, dynamic, [93, 384, 544]],
    ["of a fractional rate", { fps: 23.976 }, dynamic, [65, 384, 544]],
    // 17 latent frames are no multiple of 8; 61 frames give 16.
    ["for context parallel size 8", {}, [...dynamic, "--context-parallel", "8"], [61, 384, 544]],
    ["for dynamic context 4", {}, [...dynamic, "--dynamic-context", "4"], [61, 384, 544]],
    // √(225280 / (1080 · 1920)) = 0.3296: 355 × 632.
    ["of full HD", { resolution: { height: 1080, width: 1920 } }, dynamic, [65, 352, 608]],
    // √(236544 / (1080 · 1920)) = 0.3378: 364 × 648; 75 frames at 18 a second.
    ["for i2v", { resolution: { height: 1080, width: 1920 } }, [...dynamic, "--task", "i2v"], [73, 352, 640]],
    ["from a duration", { num_frames: undefined, duration: 4 }, dynamic, [61, 384, 544]],
    ["of static resolution", { num_frames: 200 }, fixed, [93, 352, 640]],
  ];

  it("are those of upstream's arithmetic", async () => {
    const calls = cases.map(([name, overrides, settings]) => {
      const list = notes(
        Array.from({ length: 4 }, () => clip(overrides)),
        `${name}.json`,
      );
      return command([list], [...settings, "--probe", "exists", "--output", at("out", name)]);
    });
    for (const { code } of await runSeveral(calls)) expect(code).toBe(0);
    const buckets = cases.map(([name]) => [name, readJson("out", name, "report.json").buckets]);
    const expected = cases.map(([name, , , [frames, height, width]]) => [
      name,
      [{ frames, height, width, clips: 4, needed: 4, isKept: true }],
    ]);
    expect(buckets).toEqual(expected);
  });

  const unfit: readonly (readonly [string, Entry, readonly string[], string])[] = [
    // The trainer's own check when it reads at static resolution: height / width at most 17/16, at least 1/2.
    [
      "a square-like shape that selection lets pass and reading does not",
      { resolution: { height: 700, width: 640 } },
      fixed,
      "too narrow or too wide",
    ],
    [
      "a clip below the full length at --drop-short-ratio 1",
      {},
      [...dynamic, "--drop-short-ratio", "1"],
      "too few frames",
    ],
    [
      "a picture below i2v's own lower limit",
      { resolution: { height: 256, width: 320 } },
      [...dynamic, "--task", "i2v"],
      "picture too small",
    ],
    [
      "a clip that reading speeds up to another length, by the rounding of 105 / (105 / 93) to 92",
      { fps: 16, num_frames: 105 },
      [...dynamic, "--speed-factor", "2"],
      "the speed factor leaves fewer frames than planned",
    ],
  ];

  it("are not made of clips that selection or reading refuses", async () => {
    const calls = unfit.map(([, overrides, settings], index) =>
      command(
        [notes([clip(overrides)], `${index}.json`)],
        [...settings, "--probe", "exists", "--output", at("out", `${index}`)],
      ),
    );
    for (const { code } of await runSeveral(calls)) expect(code).toBe(75);
    const dropped = unfit.map(([name], index) => [name, readJson("out", `${index}`, "report.json").dropped]);
    expect(dropped).toEqual(unfit.map(([name, , , reason]) => [name, { [reason]: 1 }]));
  });

  it("that are too small are dropped and shown", async () => {
    const entries = [...good, ...good.slice(1).map(() => clip({ resolution: { height: 720, width: 1280 } }))];
    const ended = await prepare(notes(entries), "--probe", "exists");
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain(
      "dropped 3: in a bucket that the trainer drops, because it holds fewer than 4 clips",
    );
    expect(ended.stdout).toMatch(/65 +384 +544 +4\n/);
    expect(ended.stdout).toMatch(/65 +352 +608 +3 {2}too few, 1 more needed\n/);
    expect(readJson("out", "report.json")).toMatchObject({
      usable: 4,
      inSmallBuckets: 3,
      buckets: [{ isKept: true }, { frames: 65, height: 352, width: 608, clips: 3, needed: 4, isKept: false }],
    });
    expect(written()).toEqual(good);
  });

  it("that are all too small end the stage with one line", async () => {
    const ended = await prepare(notes([...good, clip({ cap: "" })]), "--global-batch-size", "2");
    expect(ended.code).toBe(75);
    const lines = ended.stderr.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("training could not start");
    expect(lines[0]).toContain("got 4 usable of 5 in 1 bucket, at most 4 in one (65x384x544) (dropped: 1 no caption)");
    expect(lines[0]).toContain("expected at least 8 in one bucket");
    expect(ended.stdout).toContain("4 more needed");
    expect(existsSync(at("out", "data.txt"))).toBe(false);
    expect(existsSync(at("out.progress"))).toBe(false);
  });
});

describe("output", () => {
  it("is one line of folder and annotations a source, in the source's form, each source once", async () => {
    const lines = write(at("notes,1.jsonl"), good.map((entry) => `${JSON.stringify(entry)}\n`).join("\n"));
    const list = notes(good.map((entry) => ({ ...entry, cap: "a dog" })));
    const ended = await run(command([lines, list, lines]));
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain("notes,1.jsonl is named more than once and read once");
    expect(readFileSync(at("out", "data.txt"), "utf8")).toBe(
      `${at("videos")},${at("out", "annotations", "1-notes_1.jsonl")}\n${at("videos")},${at("out", "annotations", "2-notes.json")}\n`,
    );
    expect(
      readFileSync(at("out", "annotations", "1-notes_1.jsonl"), "utf8")
        .trim()
        .split("\n"),
    ).toHaveLength(4);
    expect(readJson("out", "report.json")).toMatchObject({ read: 8, usable: 8 });
    expect(readdirSync(at()).toSorted()).toEqual(["bin", "notes,1.jsonl", "notes.json", "out", "videos"]);
  });

  it("names the finished folder, not the one that is written to", async () => {
    const environment = { ASCEND_STACKS_FINAL_OUTPUT: at("final") };
    expect(await run(command([notes(good)]), environment)).toMatchObject({ code: 0 });
    expect(readFileSync(at("out", "data.txt"), "utf8")).toBe(
      `${at("videos")},${at("final", "annotations", "1-notes.json")}\n`,
    );
  });

  const sources: readonly (readonly [string, string, string | Buffer, string])[] = [
    ["a list that is cut off", "notes.json", '[{"path": "a.mp4"}, {"pa', "cut off"],
    ["a list without its end", "notes.json", '[{"path": "a.mp4"},', "cut off"],
    ["no list", "notes.json", '{"path": "a.mp4"}', "with one entry a line its name must end with .jsonl"],
    ["nothing", "notes.json", "", "holds no JSON list"],
    ["a trailing comma", "notes.json", "[1,]", "not valid JSON"],
    ["an abyss", "notes.json", "[".repeat(100_000), "nested too deeply"],
    ["a broken line", "notes.jsonl", '{"path": "a.mp4"}\n{"pa', "line at byte 18"],
    ["broken characters", "notes.json", Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), "cannot be read"],
    ["another kind of file", "notes.csv", "path", "must end with .json or .jsonl"],
  ];

  const settings: readonly (readonly [string, readonly string[], string])[] = [
    ["a folder with a comma", ["--data-folder", "a,b"], "a folder with a comma"],
    ["a missing folder", ["--data-folder", "/absent"], "the data folder is missing"],
    ["a missing annotation file", ["--annotation", "absent.json"], "the annotation file is missing"],
    ["static resolution without a size", ["--resolution", "static"], "needs --height and --width"],
    ["more minimum frames than frames", ["--minimum-frames", "97"], "--minimum-frames must be"],
  ];

  it("is refused with one line for sources that cannot be read and settings that make no sense", async () => {
    const list = notes(good);
    const calls = [
      ...sources.map(([, name, content], index) => command([write(at(`${index}`, name), content)])),
      ...settings.map(([, words]) => command([list], [...dynamic, ...words])),
    ];
    const expected = [...sources.map((row) => [row[0], row[3]]), ...settings.map((row) => [row[0], row[2]])];
    for (const [index, { code, stderr }] of (await runSeveral(calls)).entries()) {
      const [title, message = ""] = expected[index] ?? [];
      expect({ title, code, lines: stderr.trim().split("\n").length }).toEqual({ title, code: 75, lines: 1 });
      expect(stderr).toContain(message);
    }
  });
});

describe("large annotation files", () => {
  const many = (count: number): string =>
    `[${Array.from({ length: count }, (_, index) => JSON.stringify(clip({ cap: `clip ${index} äöü 猫` }))).join(",\n")}]`;

  it("are read in bounded memory", async () => {
    const list = write(at("notes.json"), many(40_000).replaceAll("äöü", "x".repeat(600)));
    const measured =
      'import resource, subprocess, sys\ncode = subprocess.call(sys.argv[1:])\nprint("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\nsys.exit(code)\n';
    const words = command([list], [...dynamic, "--probe", "exists"]);
    const ended = await runProgram("python3", ["-c", measured, "python3", runtime, ...words], {
      environment: { ...process.env, ASCEND_STACKS_PROGRESS_SECONDS: "0" },
    });
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain("usable:       40000");
    // In KiB. The file is 40 MB; all entries at once would take more than twice that.
    expect(Number(/peak (\d+)/.exec(ended.stdout)?.[1])).toBeLessThan(60_000);
    expect(ended.stderr).toMatch(/entries read \(\d+ a second\), \d+ usable, \d+ % of \d+ MB, about \d+ s to go/);
  });

  it.each([
    ["a list", "notes.json", (text: string) => text],
    ["lines", "notes.jsonl", (text: string) => text.slice(1, -1).replaceAll(",\n", "\n")],
  ])("are gone on with after an interruption, with the same result: %s", async (_, name, form) => {
    const first = write(at(`first-${name}`), form(many(1000)));
    const second = write(at(name), form(many(16_000)));
    const words = command([first, second], [...dynamic, "--probe", "exists"]);
    const { child, ended } = start(words, { ASCEND_STACKS_SAVE_SECONDS: "0" });
    const state = at("out.progress", "state.json");
    const offset = (): number => {
      const text = existsSync(state) ? readFileSync(state, "utf8") : "";
      return text === "" ? 0 : Number(/"source": 1,\s+"offset": (\d+)/.exec(text)?.[1] ?? 0);
    };
    while (offset() === 0 && child.exitCode === null) await sleep(5);
    child.kill("SIGKILL");
    expect((await ended).code).toBeNull();
    expect(existsSync(at("out"))).toBe(false);

    const resumed = await run(words);
    expect(resumed).toMatchObject({ code: 0 });
    expect(Number(/going on after (\d+) entries/.exec(resumed.stderr)?.[1])).toBeGreaterThan(1000);
    expect(existsSync(at("out.progress"))).toBe(false);
    const output = (): readonly string[] =>
      ["1-first-", "2-"].map((prefix) => readFileSync(at("out", "annotations", `${prefix}${name}`), "utf8"));
    const [report, annotations] = [readJson("out", "report.json"), output()];
    rmSync(at("out"), { recursive: true });
    const anew = await run(words);
    expect(anew.stderr).not.toContain("going on");
    expect(readJson("out", "report.json")).toEqual(report);
    expect(output()).toEqual(annotations);
  });

  it("are gone on with by the next pod of a stage that was stopped", async () => {
    const list = write(at("notes.json"), many(16_000));
    const final = at("volume", "dataset");
    const words = ["python3", runtime, ...command([list], [...dynamic, "--probe", "exists", "--output", final])];
    const outputs = { outputs: [output({ path: final, requiredFiles: ["data.txt"] })] };
    const stopped = start(["launch", "--contract", contract(outputs), "--", ...words], {
      ASCEND_STACKS_SAVE_SECONDS: "0",
    });
    while (!existsSync(`${final}.progress/state.json`) && stopped.child.exitCode === null) await sleep(5);
    stopped.child.kill("SIGTERM");
    expect((await stopped.ended).code).toBe(143);
    const ended = await launch(words, outputs);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain("going on after");
    expect(readFileSync(join(final, "data.txt"), "utf8")).toBe(
      `${at("videos")},${join(final, "annotations", "1-notes.json")}\n`,
    );
    expect(readdirSync(at("volume"))).toEqual(["dataset"]);
  });

  it("are judged anew when an option, the source or a kept file has changed", async () => {
    const list = write(at("notes.json"), many(12_000));
    const interrupt = async (): Promise<void> => {
      const { child, ended } = start(command([list], [...dynamic, "--probe", "exists"]), {
        ASCEND_STACKS_SAVE_SECONDS: "0",
      });
      while (!existsSync(at("out.progress", "state.json")) && child.exitCode === null) await sleep(5);
      child.kill("SIGKILL");
      expect((await ended).code).toBeNull();
    };
    await interrupt();
    rmSync(at("out.progress", "0.usable"));
    const words = [...dynamic, "--probe", "exists"];
    const results: Ended[] = [await run(command([list], words))];
    await interrupt();
    results.push(await run(command([list], [...words, "--context-parallel", "2"])));
    await interrupt();
    results.push(await run(command([list], [...words, "--restart"])));
    await interrupt();
    write(list, many(12_001));
    results.push(await run(command([list], words)));
    for (const { code, stderr } of results) {
      expect(code).toBe(0);
      expect(stderr).not.toContain("going on");
    }
    expect(readJson("out", "report.json")).toMatchObject({ read: 12_001, usable: 12_001 });
  });
});

describe("features", () => {
  const features = (lines: readonly unknown[], ...extra: readonly string[]): Promise<Ended> => {
    const list = write(at("videos", "data.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return run(command([list], ["--mode", "features", ...extra]));
  };
  // How torch.save begins and ends a file: a zip archive.
  const tensor = Buffer.concat([
    Buffer.from("PK\u0003\u0004"),
    Buffer.alloc(100),
    Buffer.from("PK\u0005\u0006"),
    Buffer.alloc(18),
  ]);

  beforeEach(() => {
    write(at("videos", "features", "a.pt"), tensor);
  });

  it("that are all there pass", async () => {
    const ended = await features([{ file: "features/a.pt" }]);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain("usable:          1");
    expect(readJson("out", "report.json")).toMatchObject({ read: 1, usable: 1, dropped: {}, notes: [] });
  });

  it("that are missing, cut off or of another kind end the stage", async () => {
    write(at("videos", "cut.pt"), tensor.subarray(0, 50));
    write(at("videos", "page.pt"), "<html>");
    write(at("videos", "empty.pt"), "");
    const ended = await features([
      { file: "features/a.pt" },
      { file: "absent.pt" },
      { file: "empty.pt" },
      { file: "cut.pt" },
      { file: "page.pt" },
      { file: "a.mp4" },
      { path: "features/a.pt" },
    ]);
    expect(ended.code).toBe(75);
    expect(ended.stderr).toContain("got 6 unusable of 7 (2 file missing or empty, ");
    expect(readJson("out", "report.json").dropped).toEqual({
      "file missing or empty": 2,
      "cut off": 1,
      "no file of torch.save": 1,
      "unknown file type": 1,
      "no file named": 1,
    });
  });

  it("that have overwritten each other are noticed, and fewer than a global batch refused", async () => {
    const twice = [{ file: "features/a.pt" }, { file: "features/a.pt" }];
    const ended = await features(twice, "--global-batch-size", "3");
    expect(ended.code).toBe(75);
    expect(ended.stderr).toContain("fewer features than one global batch; got 2; expected at least 3");
    expect(ended.stdout).toContain("note: 2 lines name 1 files at most");
  });
});
