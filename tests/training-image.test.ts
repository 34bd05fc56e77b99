import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Arg, DockerfileParser, type From } from "dockerfile-ast";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { keptLocks, lockArguments, lockName, lockProblems } from "../tools/requirements.ts";
import { projectFolder } from "./stacks.ts";

/** The training image as text with rules: no builder, no network. */

const folder = join(projectFolder, "images", "training");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");
const text = read("Dockerfile");
const dockerfile = DockerfileParser.parse(text);
const instructions = dockerfile.getInstructions();
const argumentsOf = (keyword: string): readonly string[] =>
  instructions
    .filter((instruction) => instruction.getKeyword() === keyword)
    .map((instruction) => instruction.getArgumentsContent() ?? "");
// biome-ignore lint/suspicious/noExplicitAny: the file's form is checked by its own schema; here single values are compared
const { stack } = parse(readFileSync(join(projectFolder, "images", "versions.yaml"), "utf8")) as any;

/** Every default of an ARG by its name; a name that is declared twice must say the same twice. */
const defaults = new Map<string, Set<string>>();
for (const instruction of instructions.filter((candidate) => candidate.getKeyword() === "ARG")) {
  const property = (instruction as Arg).getProperty();
  const value = property?.getValue();
  const name = property?.getName() ?? "";
  if (value !== null && value !== undefined) defaults.set(name, (defaults.get(name) ?? new Set()).add(value));
}

describe("the Dockerfile", () => {
  it("asks for no frontend, which a closed network could not give it", () => expect(text).not.toMatch(/^#\s*syntax=/m));

  it("starts from the base image and its own stages alone, and names no tag", () => {
    const stages = dockerfile.getFROMs().map((from: From) => from.getBuildStage());
    for (const from of dockerfile.getFROMs()) {
      expect(["scratch", `\${BASE_IMAGE}`, ...stages]).toContain(from.getImage());
    }
    // The base comes by digest from the stack lock, so it has no default to fall back on.
    expect(defaults.has("BASE_IMAGE")).toBe(false);
    expect(text).not.toMatch(/:latest/);
  });

  it("ends as user 1000", () => expect(argumentsOf("USER").at(-1)).toBe("1000:1000"));

  it("downloads nothing by ADD and opens no port", () => {
    expect(argumentsOf("ADD")).toEqual([]);
    expect(argumentsOf("EXPOSE")).toEqual([]);
  });

  it("does one thing a RUN: each calls one script", () => {
    for (const run of argumentsOf("RUN")) {
      const command = run
        .replaceAll(/--mount=\S+/g, "")
        .replaceAll(/\\?\s+/g, " ")
        .trim();
      expect(command).toMatch(/^(sh|python3) \/(build|opt\/ascend-stacks)\/[a-z_-]+\.(sh|py)/);
      expect(command).not.toContain("&&");
    }
  });

  it("takes secrets as mounts that production can do without", () => {
    for (const mount of text.match(/--mount=type=secret\S+/g) ?? []) expect(mount).toContain("required=false");
    for (const name of defaults.keys()) expect(name).not.toMatch(/TOKEN|PASSWORD|CERT|INDEX/);
  });

  it.each([
    ["MINDSPEED_MM_VERSION", stack.mindspeedMm.version],
    ["MINDSPEED_MM_COMMIT", stack.mindspeedMm.commit],
    ["MINDSPEED_MM_REPOSITORY", stack.mindspeedMm.repository],
    ["MINDSPEED_VERSION", stack.mindspeed.version],
    ["MINDSPEED_COMMIT", stack.mindspeed.commit],
    ["MINDSPEED_REPOSITORY", stack.mindspeed.repository],
    ["MEGATRON_VERSION", stack.megatron.version],
    ["MEGATRON_COMMIT", stack.megatron.commit],
    ["MEGATRON_REPOSITORY", stack.megatron.repository],
    ["DECORD_VERSION", stack.decord.version],
    ["DECORD_COMMIT", stack.decord.commit],
    ["DECORD_REPOSITORY", stack.decord.repository],
    ["FFMPEG_VERSION", stack.ffmpeg.version],
    ["FFMPEG_URL", stack.ffmpeg.url],
    ["FFMPEG_SHA256", stack.ffmpeg.sha256],
    ["CANN_VERSION", stack.cann],
    ["PYTHON_VERSION", stack.python],
    ["OS", stack.os],
    ["TORCH_VERSION", stack.torch],
    ["TORCH_NPU_VERSION", stack.torchNpu],
    ["TORCHVISION_VERSION", stack.torchvision],
    ["TRANSFORMERS_VERSION", stack.transformers],
    ["APEX", stack.apex],
  ])("defaults %s to the stack lock's %s", (name, version) =>
    expect([...(defaults.get(name) ?? [])]).toEqual([version]),
  );

  it("labels the image with every version that decides compatibility", () => {
    const labels = argumentsOf("LABEL").join("\n");
    for (const name of [
      "cann",
      "chip",
      "os",
      "python",
      "torch",
      "torch-npu",
      "torchvision",
      "transformers",
      "mindspeed-mm",
      "mindspeed",
      "megatron",
      "decord",
      "apex",
    ])
      expect(labels).toContain(`ascend-stacks.versions.${name}=`);
  });
});

describe("FFmpeg", () => {
  it("is built without non-free parts and without what the GPL covers", () => {
    const script = read("build-decord.sh");
    expect(script).toContain("./configure");
    expect(script).not.toMatch(/--enable-(nonfree|gpl|libx264)/);
    expect(script).toContain("sha256sum --check --strict");
  });
});

describe("the scripts", () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith(".sh")))(
    "%s is a shell program that stops at errors",
    (name) => {
      expect(spawnSync("sh", ["-n", join(folder, name)]).status).toBe(0);
      expect(read(name)).toMatch(/^#!\/bin\/sh\n(#.*\n)*set -eu$/m);
    },
  );
});

describe.each(keptLocks.map((target) => [lockName(target), target] as const))("%s", (name, target) => {
  const lock = read(`requirements/${name}`);

  it("pins what the stack lock says", () => {
    for (const [packageName, version] of [
      ["torch", stack.torch],
      ["torch-npu", stack.torchNpu],
      ["torchvision", stack.torchvision],
      ["numpy", stack.numpy],
      ["transformers", stack.transformers],
      ["diffusers", stack.diffusers],
      ["accelerate", stack.accelerate],
      ["peft", stack.peft],
    ])
      expect(lock).toMatch(new RegExp(`^${packageName}==${version} `, "m"));
  });

  it("holds hashes for everything, no CUDA, no datasets that cannot be imported, and no decord, which has no wheel there", () => {
    expect(lockProblems(lock, lock)).toEqual([]);
    expect(lock).not.toMatch(/^(nvidia-|triton|decord)/m);
    expect(Number(/^datasets==(\d+)\./m.exec(lock)?.[1])).toBeGreaterThanOrEqual(3);
    expect(lock).not.toMatch(/https?:\/\//);
  });

  it("is made for its interpreter and machine", () => {
    const words = lockArguments(target, "out.txt");
    expect(words).toContain(`${target.machine}-manylinux_2_28`);
    expect(words[words.indexOf("--python-version") + 1]).toBe(target.python);
    expect(lockArguments(target, "out.txt", { upgrade: true, indexes: ["https://example.com/cpu"] })).toEqual(
      expect.arrayContaining(["--upgrade", "--index", "https://example.com/cpu"]),
    );
  });
});

describe("lockProblems", () => {
  const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;
  const lock = `one==1 \\\n    --hash=${hash("a")}\ntwo==2 \\\n    --hash=${hash("b")}\n`;

  it("names what is missing, left over, withdrawn or without a hash", () => {
    expect(lockProblems(lock, `${lock}three==3 \\\n    --hash=${hash("c")}\n`)).toEqual(["three==3 is missing"]);
    expect(lockProblems(lock, lock.replace(/two[\s\S]*/, ""))).toEqual(["two==2 is not needed any more"]);
    expect(lockProblems(lock, lock.replace(hash("b"), hash("d")))).toEqual([
      `two==2: no file has ${hash("b")} any more`,
    ]);
    expect(lockProblems("one==1\n", lock.replace(/two[\s\S]*/, ""))).toEqual(["one==1 has no hash"]);
  });

  it("does not mind a file that was added later", () => {
    expect(
      lockProblems(lock, lock.replace(`--hash=${hash("a")}`, `--hash=${hash("a")} \\\n    --hash=${hash("e")}`)),
    ).toEqual([]);
  });
});

describe("the smoke test", () => {
  const smoke = (...words: readonly string[]): { readonly status: number | null; readonly output: string } => {
    const home = mkdtempSync(join(tmpdir(), "ascend-smoke-"));
    mkdirSync(join(home, "framework"));
    writeFileSync(join(home, "framework", "half.py"), "import missing_dependency\n");
    const { status, stdout, stderr } = spawnSync(
      "python3",
      [join(folder, "smoke_test.py"), "--framework", join(home, "framework"), "--home", home, ...words],
      { encoding: "utf8" },
    );
    return { status, output: `${stdout}${stderr}` };
  };

  it("names a module that is not there, and what another one lacks", () => {
    const { status, output } = smoke("--module", "no_such_module", "--module", "half", "--module", "json");
    expect(status).toBe(1);
    expect(output).toContain("module no_such_module cannot be imported: ModuleNotFoundError");
    expect(output).toContain(
      "module half cannot be imported: ModuleNotFoundError: No module named 'missing_dependency'",
    );
    expect(output).toContain("import json: ok");
    expect(output).toContain("1 passed, 2 wrong");
  });

  it("compares versions with the stack lock", () => {
    const { status, output } = smoke("--module", "json", "--expect", "no-such-package=1.0");
    expect(status).toBe(1);
    expect(output).toContain("package no-such-package is not installed; the stack lock says 1.0");
  });

  it("succeeds when nothing is wrong", () => expect(smoke("--module", "json").status).toBe(0));
});
