import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { securityRuleNames } from "../src/config/security-rules.ts";
import { writablePaths } from "../src/kubernetes/pod-security.ts";
import { changedPlan, type EnvironmentData } from "./changed-stack.ts";
import { projectFolder } from "./stacks.ts";

/** What the pages on security and storage show must be true of the code. */

const page = (name: string): string => readFileSync(join(projectFolder, "docs", name), "utf8");
const example = (text: string): EnvironmentData => parse(/```yaml \w+\n([\s\S]*?)```/.exec(text)?.[1] ?? "");

describe.each(["", ".zh"])("security%s.md", (language) => {
  const text = page(`security${language}.md`);

  it("names every rule and no other", () => {
    const lines = text.split("\n").filter((line) => /^(`[a-z-]+` ?)+$/.test(line));
    const named = lines.flatMap((line) => [...line.matchAll(/`([a-z-]+)`/g)].map((match) => match[1]));
    expect(named).toEqual([...securityRuleNames]);
  });

  it("names every folder that programs may write to", () => {
    const { plan } = changedPlan("local", () => undefined);
    for (const path of writablePaths(plan.environment)) {
      expect(text).toContain(`\`${path.replace("/workspace/MindSpeed-MM/", "")}\``);
    }
  });

  it("shows a waiver that works", () => {
    const { warnings } = changedPlan("local", (environment) => {
      Object.assign(environment.cluster, example(text).cluster);
      environment.waivers = example(text).waivers;
    });
    expect(warnings.map(({ rule }) => rule)).toContain("no-host-paths");
  });
});

describe.each(["", ".zh"])("storage%s.md", (language) => {
  it("shows volumes that can be planned in a restricted namespace", () => {
    const { storage } = example(page(`storage${language}.md`)).config["ascend-stacks:environment"];
    const { objects } = changedPlan("local-2x8", (environment) => {
      environment.storage = storage;
    });
    const names = objects.map(({ manifest }) => `${manifest.kind} ${manifest.metadata.name}`);
    expect(names).toEqual(
      expect.arrayContaining(["PersistentVolume osp-t2v-2x8-dataset", "PersistentVolumeClaim checkpoints"]),
    );
    expect(objects[0]?.manifest.metadata.labels["pod-security.kubernetes.io/enforce"]).toBe("restricted");
  });
});
