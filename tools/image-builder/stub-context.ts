/**
 * The build context of the training image with everything large replaced: the Dockerfile and its scripts are the real ones, sources
 * are small repositories, and the lock names stub wheels beside real ones that are small.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../processes.ts";
import { stubPython } from "./stub-base.ts";

/** A prepared context. */
export interface StubContext {
  readonly folder: string;
  /** Commits of the small repositories, as build arguments. */
  readonly buildArguments: Readonly<Record<string, string>>;
  /** A later commit of the small MindSpeed-MM that cannot be imported. */
  readonly brokenCommit: string;
}

/** Packages of the short lock: stubs from the prepared folder, the others from the package index. */
const shortRequirements = `torch==2.7.1+stub
torch_npu==2.7.1.post4+stub
torchvision==0.22.1+stub
transformers==4.57.0+stub
diffusers==0.30.3+stub
setuptools>=65,<81
wheel
numpy==1.26.0
decord==0.6.0
imageio-ffmpeg
`;

/**
 * Prepares the context.
 *
 * @param images the project's folder `images`
 * @param uv path of uv, which makes the short lock just as it makes the real ones
 * @param output folder of the context; made anew
 */
export async function prepareStubContext(images: string, uv: string, output: string): Promise<StubContext> {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  cpSync(images, output, { recursive: true, filter: (source) => !source.includes("__pycache__") });
  const sources = join(output, "training", "sources");
  const made = await run("python3", [join(import.meta.dirname, "make_stubs.py"), join(output, "runtime"), sources]);
  if (made.code !== 0) throw new Error(`the stubs cannot be made: ${made.stderr}`);
  const requirements = join(output, "short.in");
  writeFileSync(requirements, shortRequirements);
  const lock = join(output, "training", "requirements", `python${stubPython}-${machine()}.txt`);
  const { code, stderr } = await run(uv, [
    ...["pip", "compile", "--quiet", "--no-header", "--generate-hashes", "--python-version", stubPython],
    ...[
      "--find-links",
      join(sources, "wheels"),
      "--no-emit-find-links",
      "--no-emit-index-url",
      "--only-binary",
      ":all:",
    ],
    ...["--output-file", lock, requirements],
  ]);
  if (code !== 0) throw new Error(`uv ended with ${code}: ${stderr}`);
  rmSync(requirements);
  // Printed by make_stubs.py.
  const { commits, broken } = JSON.parse(made.stdout) as {
    readonly commits: Readonly<Record<string, string>>;
    readonly broken: string;
  };
  return {
    folder: output,
    brokenCommit: broken,
    buildArguments: {
      PYTHON_VERSION: stubPython,
      ...Object.fromEntries(
        Object.entries(commits).map(([name, commit]) => [`${name.replaceAll("-", "_").toUpperCase()}_COMMIT`, commit]),
      ),
    },
  };
}

/** Processor architecture in the words of the lock's file name. */
export const machine = (): string => (process.arch === "arm64" ? "aarch64" : "x86_64");
