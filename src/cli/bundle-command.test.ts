import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type BundleFacts, bundleProblems, listText, lockedPackages } from "../images/bundle-check.ts";
import { bundleSteps, gitSources, gitStep } from "../images/bundle-plan.ts";
import { imagesFolder, readVersions } from "../images/versions.ts";

/**
 * Preparing a folder for closed networks: the plan as data, the check on made-up folders, runs of the command, and the way of a source
 * by the real git from a host into the folder and from there into an image, with small repositories.
 */

const projectFolder = join(import.meta.dirname, "..", "..");
const versions = readVersions();
const base = `registry.example.com/cann:9.0.0@sha256:${"ab12".repeat(16)}`;

describe("the steps", () => {
  const steps = bundleSteps({
    folder: "/srv/bundle",
    versions,
    python: "3.10",
    machine: "aarch64",
    gitHosts: ["https://one.example.com", "https://two.example.com"],
    lock: "/project/lock.txt",
    base,
    plugins: { kubernetes: "4.34.2" },
    registryTool: "crane",
  });
  const words = (part: string): readonly (readonly string[])[] =>
    steps.filter((step) => step.part === part).flatMap(({ attempts }) => attempts);

  it("fetch each source by its commit, from one host after the other", () => {
    expect(words("git")).toHaveLength(8);
    expect(words("git")[1]).toEqual([
      ...["git", "-C", "/srv/bundle/git/mindspeed-mm.git", "fetch", "--quiet", "--depth", "1"],
      "https://two.example.com/Ascend/MindSpeed-MM.git",
      `${versions.stack.mindspeedMm.commit}:refs/heads/pinned`,
    ]);
  });

  it("download the files of the lock for another machine, by hash", () => {
    const [pip = []] = words("wheels");
    expect(pip).toEqual(
      expect.arrayContaining(["--require-hashes", "--no-deps", "manylinux_2_28_aarch64", "cp310", "any"]),
    );
  });

  it("fetch the base image for the machine, and the providers of the engine", () => {
    expect(words("base")).toEqual([
      ["crane", "pull", "--format=oci", "--platform=linux/arm64", base, "/srv/bundle/base"],
    ]);
    expect(words("plugins")).toEqual([["pulumi", "plugin", "install", "resource", "kubernetes", "4.34.2"]]);
    expect(steps.find(({ part }) => part === "plugins")?.environment?.PULUMI_HOME).toBe("/srv/bundle/pulumi");
  });
});

describe("the check", () => {
  const hash = (digit: string): string => digit.repeat(64);
  const lock = `torch==2.7.1 \\\n    --hash=sha256:${hash("a")} \\\n    --hash=sha256:${hash("b")}\n    # via x\nsix==1 \\\n    --hash=sha256:${hash("c")}\n`;
  const hashes = {
    "files/ffmpeg-4.4.2.tar.bz2": versions.stack.ffmpeg.sha256,
    "wheels/torch.whl": hash("b"),
    "wheels/six.whl": hash("c"),
    "base/index.json": hash("d"),
  };
  const good: BundleFacts = {
    hashes,
    list: listText(hashes),
    commits: Object.fromEntries(gitSources(versions).map(({ name, commit }) => [name, commit])),
    lock,
    baseDigest: undefined,
  };

  it("is content with a whole folder", () => expect(bundleProblems(good, versions)).toEqual([]));

  it.each<[string, Partial<BundleFacts>, string]>([
    ["a folder that was not completed", { list: undefined }, "SHA256SUMS is missing"],
    ["a changed file", { hashes: { ...hashes, "wheels/six.whl": hash("e") } }, "wheels/six.whl has changed"],
    [
      "a lost file",
      { hashes: { ...hashes, "wheels/six.whl": undefined } as unknown as BundleFacts["hashes"] },
      "wheels/six.whl is missing",
    ],
    [
      "a file of unknown origin",
      { hashes: { ...hashes, "wheels/more.whl": hash("f") } },
      "wheels/more.whl is not in SHA256SUMS",
    ],
    [
      "another commit",
      { commits: { ...good.commits, megatron: hash("0").slice(0, 40) } },
      "git/megatron.git holds 0000",
    ],
    ["a missing source", { commits: {} }, "git/decord.git is missing"],
    [
      "a package without a file",
      { lock: `${lock}new==2 \\\n    --hash=sha256:${hash("9")}\n` },
      "wheels: no file of new 2",
    ],
    [
      "another archive",
      { hashes: { ...hashes, "files/ffmpeg-4.4.2.tar.bz2": hash("1") } },
      "is not the archive that the stack lock names",
    ],
    [
      "no base image",
      { hashes: { ...hashes, "base/index.json": undefined } as unknown as BundleFacts["hashes"] },
      "the CANN base image is missing",
    ],
  ])("names %s", (_, change, words) =>
    expect(bundleProblems({ ...good, ...change }, versions).join("\n")).toContain(words),
  );

  it("knows the packages of the kept locks, each with its hashes", () => {
    const packages = lockedPackages(
      readFileSync(join(imagesFolder, "training", "requirements", "python3.10-aarch64.txt"), "utf8"),
    );
    expect(packages.length).toBeGreaterThan(90);
    expect(packages.every(({ hashes: own }) => own.length > 0)).toBe(true);
  });
});

describe("a source", () => {
  const folder = mkdtempSync(join(tmpdir(), "ascend-source-"));
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
  const git = (...words: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync("git", [...identity, ...words], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };

  /** A repository on a "host", with one file and, if wanted, a submodule. */
  function publish(repository: string, text: string, submodule?: { readonly path: string; readonly commit: string }) {
    const path = join(folder, "host", `${repository}.git`);
    git("init", "--quiet", "--initial-branch=main", path);
    writeFileSync(join(path, "file.txt"), text);
    git("-C", path, "add", "file.txt");
    if (submodule !== undefined) {
      const entry = `[submodule "${submodule.path}"]\n\tpath = ${submodule.path}\n\turl = https://host.example.com/inner/dlpack.git\n`;
      writeFileSync(join(path, ".gitmodules"), entry);
      git("-C", path, "add", ".gitmodules");
      git("-C", path, "update-index", "--add", "--cacheinfo", `160000,${submodule.commit},${submodule.path}`);
    }
    git("-C", path, "commit", "--quiet", "--message", "first");
    const commit = git("-C", path, "rev-parse", "HEAD");
    writeFileSync(join(path, "file.txt"), "newer");
    git("-C", path, "commit", "--quiet", "--all", "--message", "second");
    return commit;
  }

  const inner = publish("inner/dlpack", "inner");
  const outer = publish("outer/decord", "outer", { path: "3rdparty/dlpack", commit: inner });

  /** Carries out a step of the bundle. */
  function take(name: string, repository: string, commit: string): number | null {
    const bare = join(folder, "bundle", "git", `${name}.git`);
    git("init", "--quiet", "--bare", bare);
    const hosts = [`file://${folder}/no-such-host`, `file://${folder}/host`];
    const { attempts } = gitStep({ name, repository, commit }, join(folder, "bundle"), hosts);
    for (const [program = "", ...words] of attempts) if (spawnSync(program, words).status === 0) return 0;
    return 1;
  }

  const fetch = (target: string, commit: string, environment: Readonly<Record<string, string>>) =>
    spawnSync(
      "sh",
      [join(imagesFolder, "training", "fetch-git.sh"), "decord", "outer/decord", commit, join(folder, target)],
      { encoding: "utf8", env: { PATH: process.env.PATH, GIT_HOSTS: `file://${folder}/host`, ...environment } },
    );

  it("goes from the second host into the folder, and from there into an image: the pinned commit, its submodule, no history", () => {
    expect([take("decord", "outer/decord", outer), take("dlpack", "inner/dlpack", inner)]).toEqual([0, 0]);
    const settings = { SOURCES: join(folder, "bundle"), GIT_HOSTS: "file:///nowhere", SUBMODULES: "3rdparty/dlpack" };
    const { status, stdout } = fetch("image", outer, settings);
    expect({ status, isPrepared: stdout.includes(`file://${folder}/bundle/git/decord.git`) }).toEqual({
      status: 0,
      isPrepared: true,
    });
    expect(readFileSync(join(folder, "image", "file.txt"), "utf8")).toBe("outer");
    expect(readFileSync(join(folder, "image", "3rdparty", "dlpack", "file.txt"), "utf8")).toBe("inner");
    expect(existsSync(join(folder, "image", ".git"))).toBe(false);
  });

  it("goes straight from a host into an image where no folder is prepared", () => {
    expect(fetch("direct", outer, { SOURCES: join(folder, "none") }).status).toBe(0);
    expect(readFileSync(join(folder, "direct", "file.txt"), "utf8")).toBe("outer");
  });

  it("is refused when no host has the very commit", () => {
    const missing = "0123456789".repeat(4);
    const { status, stderr } = fetch("missing", missing, { SOURCES: join(folder, "none") });
    expect(status).toBe(1);
    expect(stderr).toContain(`decord: no source has commit ${missing}`);
    expect(take("absent", "outer/decord", missing)).toBe(1);
  });
});

describe("ascend bundle", () => {
  let folder: string;
  let bundle: string;
  const run = (...words: readonly string[]) =>
    spawnSync(process.execPath, [join(projectFolder, "bin", "ascend.mjs"), "bundle", ...words], {
      encoding: "utf8",
      env: { HOME: folder, PATH: [join(folder, "bin"), dirname("/bin/sh"), "/usr/bin"].join(delimiter) },
    });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ascend-bundle-"));
    bundle = join(folder, "bundle");
    mkdirSync(join(folder, "bin"));
  });

  it("says what is missing on this machine before it starts", () => {
    expect(run(bundle, "--only", "base").stderr).toContain(
      "the digest of the base image is not known; run: ascend image resolve",
    );
    expect(run(bundle, "--only", "base", "--base", base).stderr).toContain(
      "needs crane or skopeo, which is not on PATH",
    );
    expect(run().stderr).toContain("name one folder");
    expect(run(bundle, "--only", "everything").stderr).toContain(
      "--only is one of git, files, wheels, base, tools, plugins",
    );
    expect(run(bundle, "--machine", "x86_64").stderr).toContain(
      "there is no requirement lock for Python 3.10 on x86_64",
    );
  });

  it("refuses a host that has not the very commit, and says so", () => {
    const { status, stderr } = run(
      join(folder, "nothing"),
      "--only",
      "git",
      "--git-host",
      `file://${folder}/no-such-host`,
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/mindspeed-mm [0-9a-f]{40} cannot be had: git ended with 128/);
  });

  it("carries out a part, lists every file by hash, does nothing twice, and finds what was changed afterwards", () => {
    const file = join(folder, "bin", "curl");
    // Stands for the download: writes its last word into the file that it was told.
    writeFileSync(
      file,
      '#!/bin/sh\nwhile [ $# -gt 1 ]; do [ "$1" = --output ] && target=$2; shift; done\nprintf %s "$1" > "$target"\necho once >> "$HOME/downloads"\n',
    );
    chmodSync(file, 0o755);
    expect(run(bundle, "--only", "files").status).toBe(0);
    expect(run(bundle, "--only", "files").stdout).toContain("FFmpeg 4.4.2: there already");
    expect(readFileSync(join(folder, "downloads"), "utf8")).toBe("once\n");
    const archive = join(bundle, "files", "ffmpeg-4.4.2.tar.bz2");
    const expected = createHash("sha256").update(versions.stack.ffmpeg.url).digest("hex");
    expect(readFileSync(join(bundle, "SHA256SUMS"), "utf8")).toBe(`${expected}  files/ffmpeg-4.4.2.tar.bz2\n`);
    expect(spawnSync("sha256sum", ["--check", "SHA256SUMS"], { cwd: bundle }).status).toBe(0);
    const wrong = run(bundle, "--check");
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain("ffmpeg-4.4.2.tar.bz2 is not the archive that the stack lock names");
    expect(wrong.stderr).toContain("git/mindspeed.git is missing");
    expect(wrong.stderr).toContain("wheels: no file of torch 2.7.1");
    appendFileSync(archive, "more");
    expect(run(bundle, "--check").stderr).toContain("files/ffmpeg-4.4.2.tar.bz2 has changed since the folder was made");
    rmSync(archive);
    expect(existsSync(archive)).toBe(false);
    expect(run(bundle, "--check").stderr).toContain("files/ffmpeg-4.4.2.tar.bz2 is missing");
  });
});
