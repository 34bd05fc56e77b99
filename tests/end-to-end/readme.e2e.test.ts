import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { planStackFromEngine } from "../../src/stack.ts";
import { cacheRoot } from "../../tools/cache.ts";
import { run } from "../../tools/processes.ts";
import { wipeVirtualCluster } from "../../tools/virtual-cluster/cluster.ts";
import { projectFolder } from "./workbench.ts";

/** Every command that the README asks a reader to type is typed here, in the same order, in one shell after the other. */

const readme = readFileSync(join(projectFolder, "README.md"), "utf8");
const commands = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap((block) =>
  (block[1] ?? "").trim().split("\n"),
);

/** What must be seen when a command has run; a command without an entry fails the test. */
const expected: Readonly<Record<string, RegExp>> = {
  "make up": /Stack local[\s\S]*pretrain\s+complete\s+2\/2 done[\s\S]*5000\/5000 \(100%\)/,
  "npx ascend plan local": /--tensor-model-parallel-size 1/,
  "npx ascend plan local-2x8 --json": /"schemaVersion": 1/,
  "npx ascend render local --stdout": /kind: Job/,
  "npx ascend doctor local": /The cluster can run it: 0 errors/,
  "npx ascend status local": /pretrain\s+complete/,
  "make down": /virtual cluster local is gone/,
};

/** Commands that are shown to run elsewhere: `make check` runs the tests that this one is beside. */
const elsewhere = ["make check"];

describe("the README", () => {
  let state: string;
  const exported: string[] = [];

  beforeAll(() => {
    state = mkdtempSync(join(tmpdir(), "ascend-readme-"));
  });

  afterAll(async () => {
    await wipeVirtualCluster("local", join(state, "ascend-stacks", "virtual-clusters"));
    rmSync(state, { recursive: true, force: true });
  });

  it("has commands, and each is known here", () => {
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands.filter((line) => !line.startsWith("export ")))
      expect([...Object.keys(expected), ...elsewhere]).toContain(command);
  });

  it.each(commands.filter((line) => !elsewhere.includes(line)).map((line) => [line]))(
    "`%s` does what it says",
    async (command) => {
      if (command.startsWith("export ")) {
        exported.push(command);
        return;
      }
      // The tools' own cache is shared; state is this test's alone, so that a reader's cluster is left in peace.
      const environment = { ...process.env, XDG_STATE_HOME: state, XDG_CACHE_HOME: join(cacheRoot(), "..") };
      const { code, stdout, stderr } = await run("sh", ["-c", [...exported, command].join("\n")], {
        folder: projectFolder,
        environment,
      });
      expect(code, `${stdout}\n${stderr}`).toBe(0);
      expect(stdout).toMatch(expected[command] ?? /$^/);
    },
  );

  it("names the provider in use in the output of `make up`", async () => {
    const environment = { ...process.env, XDG_STATE_HOME: state, XDG_CACHE_HOME: join(cacheRoot(), "..") };
    const { code, stdout, stderr } = await run("make", ["up"], { folder: projectFolder, environment });
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    expect(stdout).toMatch(/Kubernetes provider: (the official one|a STAND-IN)/);
    const status = await run("git", ["status", "--porcelain", "stacks"], { folder: projectFolder });
    expect(status.stdout).toBe("");
  });

  it("shows an example that is a valid stack file", () => {
    const text = (/```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? "")
      .replaceAll(/^ {3}/gm, "")
      .replace("<digest>", "0".repeat(64));
    const engineValue: unknown = parse(text)?.config?.["ascend-stacks:environment"];
    expect(planStackFromEngine(projectFolder, "example", engineValue).warnings).toEqual([]);
  });
});
