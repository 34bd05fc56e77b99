import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ensurePythonPrograms } from "../../tools/python/programs.ts";
import { keptLocks, lockName, lockProblems, resolveAgain } from "../../tools/requirements.ts";

/** Needs a package index: the locks are resolved again by uv, the Dockerfile is read by hadolint. */

describe.each(keptLocks.map((target) => [lockName(target), target] as const))("%s", (_, target) => {
  it("is what uv resolves from the requirements today, keeping its versions", async () => {
    const { kept, resolved } = await resolveAgain(target);
    expect(kept.match(/--hash=/g)?.length).toBeGreaterThan(1000);
    expect(lockProblems(kept, resolved)).toEqual([]);
  });
});

describe("hadolint", () => {
  it("has no word to say about the Dockerfile", async () => {
    const { hadolint } = await ensurePythonPrograms();
    const { status, stdout } = spawnSync(hadolint, ["--no-color", join(import.meta.dirname, "Dockerfile")], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  it("would have", async () => {
    const { hadolint } = await ensurePythonPrograms();
    const { status, stdout } = spawnSync(hadolint, ["--no-color", "-"], {
      encoding: "utf8",
      input: "FROM debian\nRUN cd /tmp\n",
    });
    expect(stdout).toContain("DL3003");
    expect(status).toBe(1);
  });
});
