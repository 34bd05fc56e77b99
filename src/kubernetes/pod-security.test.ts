import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Environment } from "../config/schema.ts";
import { readStack } from "../stack.ts";
import {
  containerSecurity,
  podSecurityFields,
  priorityClassName,
  scratchMounts,
  scratchVariables,
  scratchVolumes,
  secretVariables,
  writablePaths,
} from "./pod-security.ts";

const { environment } = readStack(join(import.meta.dirname, "..", ".."), "local");
const withSecurity = (security: Partial<Environment["security"]>): Environment => ({
  ...environment,
  security: { ...environment.security, ...security },
});

describe("a read-only root file system", () => {
  it("leaves what programs write to: temporary files, home, outputs relative to the working directory, and the user's own", () => {
    expect(writablePaths(withSecurity({ writablePaths: ["/opt/cache", "/tmp"] }))).toEqual([
      "/tmp",
      "/home/training",
      "/workspace/MindSpeed-MM/kernel_meta",
      "/workspace/MindSpeed-MM/logs",
      "/workspace/MindSpeed-MM/memory_snapshot",
      "/workspace/MindSpeed-MM/npu_profiling",
      "/workspace/MindSpeed-MM/sora_features",
      "/opt/cache",
    ]);
  });

  it("mounts each of them from one limited volume, in a folder of its own", () => {
    const mounts = scratchMounts(environment);
    expect(mounts.map(({ mountPath, subPath }) => `/${subPath}` === mountPath)).not.toContain(false);
    expect(scratchVolumes(withSecurity({ scratchGiB: 7 }))).toEqual([
      { name: "scratch", emptyDir: { sizeLimit: "7Gi" } },
    ]);
  });

  it("sends CANN and Python to writable folders", () => {
    const { HOME, ASCEND_WORK_PATH } = scratchVariables(environment);
    expect(writablePaths(environment)).toContain(HOME);
    expect(ASCEND_WORK_PATH).toMatch(new RegExp(`^${HOME}/`));
  });

  it("can be given up, and leaves no trace then", () => {
    const open = withSecurity({ readOnlyRootFilesystem: false });
    expect(containerSecurity(open)).not.toHaveProperty("readOnlyRootFilesystem");
    expect([scratchMounts(open), scratchVolumes(open), scratchVariables(open)]).toEqual([[], [], {}]);
  });
});

describe("variables from Secrets", () => {
  it("hold names only", () => {
    const [name = "", run] = Object.entries(environment.runs)[0] ?? [];
    if (run === undefined) throw new Error("the stack has no run");
    const changed = {
      ...environment,
      runs: { [name]: { ...run, secretVariables: { HF_TOKEN: { secret: "hub", key: "token" } } } },
    };
    expect(secretVariables(changed, name)).toEqual([
      { name: "HF_TOKEN", valueFrom: { secretKeyRef: { name: "hub", key: "token" } } },
    ]);
    expect(secretVariables(environment, name)).toEqual([]);
  });
});

describe("priority", () => {
  it.each<[Environment["priority"], string | undefined]>([
    [undefined, undefined],
    [{ className: "team-high", preempts: false }, "team-high"],
    [{ value: 1000, preempts: false }, "ascend-stacks-osp-t2v-1000"],
    [{ value: -5, preempts: true }, "ascend-stacks-osp-t2v--5-preempting"],
  ])("of %j is the class %s", (priority, name) => {
    const changed = { ...environment, priority };
    expect(priorityClassName(changed)).toBe(name);
    expect(podSecurityFields(changed).priorityClassName).toBe(name);
  });
});
