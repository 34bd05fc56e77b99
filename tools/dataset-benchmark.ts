/** `node tools/dataset-benchmark.ts`: time and memory of `prepare-dataset` over an annotation file of a million clips. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyMp4 } from "../images/runtime/tiny-videos.ts";
import { run } from "./processes.ts";

const entries = 1_000_000;
const videos = 1000;
const runtime = join(import.meta.dirname, "..", "images", "runtime");
const caption = "a tabby cat walks slowly along a garden wall in the evening sun and looks back at the camera ".repeat(
  3,
);

/** Runs a program and says its highest memory in KiB (resident set) on the last line. */
const measured = `import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)`;

/** Sizes and lengths as a real collection mixes them. */
const shapes = [
  [480, 640],
  [720, 1280],
  [1080, 1920],
  [1280, 720],
] as const;

const clip = (index: number): string => {
  const [height, width] = shapes[index % shapes.length] ?? shapes[0];
  const path = `clips/${index % videos}.mp4`;
  return JSON.stringify({ path, cap: `${index} ${caption}`, resolution: { height, width }, fps: 24, num_frames: 100 });
};

function writeAnnotations(path: string): void {
  const file = openSync(path, "w");
  for (let start = 0; start < entries; start += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, offset) => clip(start + offset));
    writeSync(file, `${start === 0 ? "[" : ",\n"}${lines.join(",\n")}`);
  }
  writeSync(file, "]\n");
  closeSync(file);
}

function writeVideos(folder: string): void {
  mkdirSync(join(folder, "clips"), { recursive: true });
  for (let index = 0; index < videos; index += 1) {
    const [height, width] = shapes[index % shapes.length] ?? shapes[0];
    writeFileSync(join(folder, "clips", `${index}.mp4`), tinyMp4({ height, width }));
  }
}

/** Measures both ways of checking files. */
export async function measureDataset(print: (name: string, value: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ascend-dataset-benchmark-"));
  try {
    const annotations = join(folder, "notes.json");
    writeAnnotations(annotations);
    writeVideos(folder);
    const megabytes = Math.round(statSync(annotations).size / 1e6);
    for (const probe of ["exists", "headers"]) {
      const words = [
        ...[
          "-c",
          measured,
          "python3",
          runtime,
          "prepare-dataset",
          "--data-folder",
          folder,
          "--annotation",
          annotations,
        ],
        ...["--output", join(folder, probe), "--frames", "93", "--minimum-frames", "29", "--global-batch-size", "8"],
        ...["--probe", probe],
      ];
      const started = performance.now();
      const { code, stdout, stderr } = await run("python3", words);
      if (code !== 0) throw new Error(`prepare-dataset ended with ${code}\n${stdout}${stderr}`);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      const mebibytes = Math.round(Number(stdout.trim().split("\n").at(-1)) / 1024);
      print(
        `prepare-dataset, ${entries} clips (${megabytes} MB), --probe ${probe}`,
        `${seconds} s, at most ${mebibytes} MiB`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename)
  await measureDataset((name, value) => process.stdout.write(`${name.padEnd(64)} ${value}\n`));
