import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { planDocumentSchema } from "./plan-document.ts";
import { durationText } from "./progress-text.ts";
import { tableLines } from "./table.ts";

const projectFolder = join(import.meta.dirname, "..", "..");

/** Runs `ascend` as users do, without any tool on the search path: planning needs none. */
function ascend(...words: readonly string[]): {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(projectFolder, "bin", "ascend.mjs"), ...words], {
    encoding: "utf8",
    env: { HOME: tmpdir(), PATH: "", KUBECONFIG: join(tmpdir(), "no-such-kubeconfig") },
  });
  return { code: status, stdout, stderr };
}

describe("ascend plan", () => {
  it("prints layout, stages, objects, complete commands and warnings", () => {
    const { code, stdout } = ascend("plan", "local-2x8");
    expect(code).toBe(0);
    for (const text of [
      "16 = tensor 2 × pipeline 1 × context 2 × data 4",
      "global 4 = micro 1 × data 4 × microbatches 1",
      "2 × 8 NPUs",
      "PersistentVolumeClaim",
      "--node_rank 0",
      "--master_addr t2v-93x480p-pretrain-0.t2v-93x480p-pretrain",
      "HCCL_SOCKET_IFNAME=eth0",
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain("\u001b[");
    expect(ascend("plan", "local").stdout).toContain("warning: stacks/Pulumi.local.yaml:");
  });

  it("prints a document of its published schema", () => {
    const document = planDocumentSchema.parse(JSON.parse(ascend("plan", "local", "--json").stdout));
    expect(document.stages.map(({ stage, kind }) => [stage, kind])).toEqual([
      ["convertVae", "cpu"],
      ["convertDit", "cpu"],
      ["prepareDataset", "cpu"],
      ["pretrain", "npu"],
    ]);
    for (const { argv, files } of document.stages) {
      for (const path of argv.filter((word) => word.startsWith("/etc/")))
        expect(() => JSON.parse(files[path] ?? "")).not.toThrow();
    }
    expect(document.stages[3]?.argv.slice(0, 12)).toEqual([
      "torchrun",
      "--nproc_per_node",
      "8",
      "--nnodes",
      "1",
      "--node_rank",
      "0",
      "--master_addr",
      "localhost",
      "--master_port",
      "29505",
      "pretrain_sora.py",
    ]);
    expect(document.diagnostics).toMatchObject([
      { severity: "warning", rule: "saves-before-the-end", file: "stacks/Pulumi.local.yaml" },
    ]);
  });

  it("prints mistakes as a document too, with exit code 1", () => {
    const { code, stdout } = ascend("plan", "lokal", "--json");
    expect(code).toBe(1);
    expect(planDocumentSchema.parse(JSON.parse(stdout)).diagnostics).toMatchObject([
      { severity: "error", nearest: ["local"] },
    ]);
  });
});

describe("ascend render", () => {
  it("writes the same objects as one stream and as a folder, and removes what is gone but nothing else", () => {
    const folder = mkdtempSync(join(tmpdir(), "ascend-render-"));
    try {
      writeFileSync(join(folder, "kustomization.yaml"), "resources: [job-old.yaml, ../outside.yaml]\n");
      writeFileSync(join(folder, "job-old.yaml"), "old");
      writeFileSync(join(folder, "notes.txt"), "mine");
      expect(ascend("render", "local", "--output", folder)).toMatchObject({ code: 0 });
      const names = readdirSync(folder).sort();
      expect(names).toEqual([...readdirSync(join(projectFolder, "stacks", "expected", "local")), "notes.txt"].sort());
      const stream = ascend("render", "local", "--stdout").stdout;
      for (const name of names.filter((file) => file.endsWith(".yaml") && file !== "kustomization.yaml")) {
        expect(stream).toContain(`---\n${readFileSync(join(folder, name), "utf8")}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("ascend render --check", () => {
  it.each([[[]], [["--by-wave"]]])(
    "passes for a fresh folder and names what is stale, missing or surplus (%j)",
    (flags) => {
      const folder = mkdtempSync(join(tmpdir(), "ascend-check-"));
      const call = (...more: readonly string[]) => ascend("render", "local", "--output", folder, ...flags, ...more);
      try {
        expect(call("--check")).toMatchObject({ code: 1, stderr: expect.stringContaining("is missing") });
        expect(call()).toMatchObject({ code: 0 });
        expect(call("--check")).toMatchObject({ code: 0, stdout: expect.stringContaining("is up to date") });
        const [first = ""] = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
          /job-/.test(name),
        );
        writeFileSync(join(folder, first), "changed by hand");
        const { code, stderr } = call("--check");
        expect(code).toBe(1);
        expect(stderr).toContain(`${first} is stale`);
        expect(stderr).toContain(
          `run: ascend render local --output ${folder}${flags.map((flag) => ` ${flag}`).join("")}`,
        );
        expect(readFileSync(join(folder, first), "utf8")).toBe("changed by hand");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  it("leaves no file of the other form behind", () => {
    const folder = mkdtempSync(join(tmpdir(), "ascend-forms-"));
    try {
      const call = (...flags: readonly string[]) => ascend("render", "local", "--output", folder, ...flags);
      call();
      const flat = readdirSync(folder).sort();
      call("--by-wave");
      expect(
        readdirSync(folder)
          .filter((name) => name !== "kustomization.yaml")
          .every((name) => name.startsWith("wave-")),
      ).toBe(true);
      call();
      expect(readdirSync(folder).sort()).toEqual(flat);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("ascend gitops", () => {
  const source = ["--repository", "https://git.example.com/deploy.git"];

  it.each([
    ["argocd", ["local", ...source], ["Application"]],
    ["argocd-set", ["local", "local-2x8", ...source], ["ApplicationSet"]],
    ["pulumi-operator", ["local", ...source, "--backend", "s3://state", "--service-account", "deployer"], ["Stack"]],
  ])("prints the objects of %s", (tool, words, kinds) => {
    const { code, stdout } = ascend("gitops", tool, ...words);
    expect(code).toBe(0);
    const documents = parseAllDocuments(stdout).map(
      (document) => document.toJS() as { kind: string; metadata: object },
    );
    expect(documents.map(({ kind }) => kind)).toEqual(kinds);
    for (const { metadata } of documents) expect(metadata).not.toHaveProperty("annotations");
  });

  it("prints a repository and one Kustomization a wave for Flux", () => {
    const { stdout } = ascend("gitops", "flux", "local", ...source);
    const kinds = parseAllDocuments(stdout).map((document) => (document.toJS() as { kind: string }).kind);
    expect(kinds[0]).toBe("GitRepository");
    expect(new Set(kinds.slice(1))).toEqual(new Set(["Kustomization"]));
  });

  it.each([
    [["jenkins", "local"], "unknown tool jenkins"],
    [["argocd"], "the name of a stack is missing"],
    [["argocd", "local"], "--repository is missing"],
    [["pulumi-operator", "local", ...source], "--backend is missing"],
  ])("answers %j with one message", (words, message) => {
    expect(ascend("gitops", ...words)).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
  });
});

describe("ascend diff", () => {
  const git = (folder: string, ...words: readonly string[]) =>
    spawnSync("git", ["-C", folder, "-c", "user.name=test", "-c", "user.email=test@example.com", ...words], {
      encoding: "utf8",
    });

  it("tells in words what two revisions of a stack file differ in", () => {
    const folder = mkdtempSync(join(tmpdir(), "ascend-diff-"));
    const call = (...words: readonly string[]) =>
      spawnSync(process.execPath, [join(folder, "bin", "ascend.mjs"), "diff", "local", ...words], { encoding: "utf8" });
    try {
      for (const name of ["bin", "src", "charts", "node_modules", ".node-version", "package.json"])
        symlinkSync(join(projectFolder, name), join(folder, name));
      cpSync(join(projectFolder, "stacks"), join(folder, "stacks"), {
        recursive: true,
        filter: (path) => !path.includes("expected"),
      });
      rmSync(join(folder, "bin"));
      cpSync(join(projectFolder, "bin"), join(folder, "bin"), { recursive: true });
      rmSync(join(folder, "src"));
      cpSync(join(projectFolder, "src"), join(folder, "src"), { recursive: true });
      git(folder, "init", "--quiet");
      git(folder, "add", "stacks");
      expect(git(folder, "commit", "--quiet", "-m", "first")).toMatchObject({ status: 0 });
      expect(call().stdout).toContain("nothing differs");
      const file = join(folder, "stacks", "Pulumi.local.yaml");
      writeFileSync(
        file,
        readFileSync(file, "utf8")
          .replace("nodes: 1", "nodes: 2")
          .replace("recipe: opensoraplan1.3/t2v", "recipe: opensoraplan1.3/t2v\n        nodes: 2"),
      );
      expect(call().stdout).toContain("global batch 8 → 16");
      expect(JSON.parse(call("--json").stdout).changes).toContainEqual({
        scope: "run t2v-93x480p",
        name: "nodes",
        before: "1",
        after: "2",
      });
      git(folder, "commit", "--quiet", "-am", "second");
      expect(call("--from", "HEAD~1", "--to", "HEAD").stdout).toContain("nodes 1 → 2");
      expect(call("--from", "no-such-revision")).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("git rev-parse"),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("ascend", () => {
  it.each<[string, readonly string[], string]>([
    [
      "an unknown command",
      ["paln"],
      "unknown command paln; known: plan, render, diff, gitops, stop, resume, retire, status, help",
    ],
    ["a word that every object has", ["constructor"], "unknown command constructor"],
    ["no stack", ["plan"], "the name of a stack is missing; usage: ascend plan"],
    ["two stacks", ["plan", "local", "local-2x8"], "too many arguments: local-2x8"],
    ["an unknown option", ["plan", "local", "--jsn"], "--jsn"],
    ["render without target", ["render", "local"], "either --stdout or --output"],
    ["render with two targets", ["render", "local", "--stdout", "--output", "x"], "either --stdout or --output"],
    ["a strange time limit", ["status", "local", "--timeout", "soon"], "--timeout takes a number"],
    ["an unreachable cluster", ["status", "local"], "cannot be asked"],
    ["an unknown stack", ["render", "../x", "--stdout"], "there is no such stack file"],
  ])("answers %s with one message and exit code 1", (_, words, message) => {
    const { code, stderr } = ascend(...words);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("started under an older Node goes on under the pinned one, or says in one line what to do", () => {
    const older = `--import=data:text/javascript,${encodeURIComponent('if(!process.env.RESTARTED){process.env.RESTARTED="1";Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})}')}`;
    const cache = mkdtempSync(join(tmpdir(), "ascend-cache-"));
    const call = () =>
      spawnSync(process.execPath, [older, join(projectFolder, "bin", "ascend.mjs"), "help"], {
        encoding: "utf8",
        env: { PATH: "", XDG_CACHE_HOME: cache },
      });
    try {
      expect(call()).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          /^ascend: Node 20\.1\.0 is too old; install Node 24 or newer, or run "sh tools\/bootstrap\.sh".*\n$/,
        ),
      });
      const version = readFileSync(join(projectFolder, ".node-version"), "utf8").trim();
      const bin = join(cache, "ascend-stacks", "tools", "node", version, "bin");
      mkdirSync(bin, { recursive: true });
      symlinkSync(process.execPath, join(bin, "node"));
      expect(call()).toMatchObject({ status: 0, stdout: expect.stringContaining("ascend plan <stack>") });
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });

  it("prints its help", () => {
    expect(ascend("help").stdout).toContain("ascend plan <stack>");
    expect(ascend()).toMatchObject({ code: 0 });
  });
});

describe("times and tables", () => {
  it.each([
    [undefined, undefined, ""],
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:04Z", "4s"],
    ["2026-01-01T00:00:00Z", "2026-01-01T00:03:05Z", "3m05s"],
    ["2026-01-01T00:00:00Z", "2026-01-02T01:02:00Z", "25h02m"],
    ["2026-01-01T00:00:00Z", undefined, "10s"],
  ])("from %s to %s is %j", (start, end, text) => {
    expect(durationText(start, end, new Date("2026-01-01T00:00:10Z"))).toBe(text);
  });

  it("has columns as wide as their widest cell", () => {
    expect(tableLines([["A", "LONG"], ["wide cell", "x"], ["b"]])).toEqual(["A          LONG", "wide cell  x", "b"]);
    expect(tableLines([])).toEqual([]);
  });
});
