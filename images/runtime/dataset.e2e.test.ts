import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, run } from "../../tools/processes.ts";
import { videoEncoder } from "../../tools/video-encoder.ts";

/** `prepare-dataset` on real small videos, made by a real encoder. Not shown here: that decord reads them. */

let folder: string;
let encoder: string;
const at = (...names: readonly string[]): string => join(folder, ...names);

/** Three seconds at 24 frames a second, unless said otherwise. */
async function encode(name: string, words: readonly string[] = [], size = "640x480", seconds = 3): Promise<void> {
  const source = `testsrc=size=${size}:rate=24:duration=${seconds}`;
  const { code, stderr } = await run(encoder, [
    ...["-nostdin", "-y", "-loglevel", "error", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", "-q:v", "2"],
    ...[...words, at(name)],
  ]);
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}\n${stderr}`);
}

function cut(source: string, name: string): void {
  copyFileSync(at(source), at(name));
  truncateSync(at(name), Math.floor((statSync(at(source)).size * 2) / 3));
}

const clip = (path: string) => ({
  path,
  cap: "colour bars with a counter",
  resolution: { height: 480, width: 640 },
  fps: 24,
  num_frames: 72,
});

const readable = ["plain.mp4", "indexed.mp4", "fragmented.mp4", "plain.mov", "plain.avi", "plain.mkv"];
const broken = readable.filter((name) => name !== "fragmented.mp4").map((name) => `cut-${name}`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ascend-videos-"));
  encoder = await videoEncoder();
  const options: Readonly<Record<string, readonly string[]>> = {
    "indexed.mp4": ["-movflags", "faststart"],
    "fragmented.mp4": ["-movflags", "frag_keyframe+empty_moov"],
  };
  for (const name of readable) await encode(name, options[name]);
  for (const name of readable) cut(name, `cut-${name}`);
  await encode("small.mp4", [], "320x256");
  await encode("short.mp4", [], "640x480", 1);
  await encode("fast.mp4", ["-r", "48"]);
  writeFileSync(at("sound.mp4"), "");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function prepare(names: readonly string[], ...extra: readonly string[]): Promise<CommandResult> {
  writeFileSync(at("notes.json"), JSON.stringify(names.map(clip)));
  rmSync(at("out"), { recursive: true, force: true });
  return run("python3", [
    ...[import.meta.dirname, "prepare-dataset", "--data-folder", folder, "--annotation", at("notes.json")],
    ...["--output", at("out"), "--frames", "93", "--minimum-frames", "29", "--global-batch-size", "1", ...extra],
  ]);
}

const report = (): Record<string, unknown> =>
  JSON.parse(readFileSync(at("out", "report.json"), "utf8")) as Record<string, unknown>;

describe("prepare-dataset", () => {
  it("takes whole videos of every kind as they are annotated", async () => {
    expect(await prepare(readable)).toMatchObject({ code: 0 });
    expect(report()).toMatchObject({ read: 6, usable: 6, dropped: {}, corrected: {} });
    // 72 frames are 48 at 16 a second; 45 make whole latent frames.
    expect(report().buckets).toMatchObject([{ frames: 45, height: 384, width: 544, clips: 6 }]);
    expect(JSON.parse(readFileSync(at("out", "annotations", "1-notes.json"), "utf8"))).toEqual(readable.map(clip));
  });

  it("leaves out videos of every kind that are cut off, and empty ones", async () => {
    expect(await prepare([...readable, ...broken, "cut-fragmented.mp4", "sound.mp4"])).toMatchObject({ code: 0 });
    expect(report()).toMatchObject({
      usable: 6,
      dropped: { "unreadable file: cut off": 6, "file missing or empty": 1 },
    });
  });

  it("believes the video where the annotation is wrong", async () => {
    expect(await prepare([...readable, "small.mp4", "short.mp4", "fast.mp4"], "--small-buckets", "keep")).toMatchObject(
      {
        code: 0,
      },
    );
    expect(report()).toMatchObject({
      dropped: { "too few frames (the file has fewer frames)": 1 },
      corrected: { "the file has another resolution": 1, "the file has another frame rate": 1 },
    });
    expect(report().buckets).toMatchObject([
      // With the clip of 48 frames a second, which lasts as long as its annotation says.
      { frames: 45, height: 384, width: 544, clips: 7 },
      { frames: 45, height: 256, width: 320, clips: 1 },
    ]);
  });
});
