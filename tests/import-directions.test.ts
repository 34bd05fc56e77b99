import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { projectFolder } from "./stacks.ts";

/** Rooms may import rooms below them only; Pulumi is known in a few named places. */

/** Rooms from the top down; a room imports rooms of a later row, or its own. */
const floors: readonly (readonly string[])[] = [
  ["program", "cli", "stack"],
  ["planned-objects"],
  ["gitops"],
  ["environment"],
  ["images"],
  ["workloads"],
  ["kubernetes"],
  ["pipeline"],
  ["recipes"],
  ["stages"],
  ["parallel", "variables", "overrides"],
  ["config"],
  ["hardware"],
  ["pulumi"],
];

const source = join(projectFolder, "src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
);
const roomOf = (file: string): string => (file.split("/")[0] ?? "").replace(/\.ts$/, "");
const floorOf = (file: string): number => floors.findIndex((rooms) => rooms.includes(roomOf(file)));
const importsOf = (file: string): readonly string[] =>
  [...readFileSync(join(source, file), "utf8").matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );

describe.each(files)("%s", (file) => {
  it("is in a room of the plan", () => expect(floorOf(file)).toBeGreaterThanOrEqual(0));

  it("imports its own room and rooms below", () => {
    // The files of a chart are data: the environment makes the same objects from them.
    const isData = (name: string): boolean => /^(\.\.\/)+charts\/.*\.json$/.test(name);
    for (const target of importsOf(file).filter((name) => name.startsWith(".") && !isData(name))) {
      const imported = posix.normalize(posix.join(posix.dirname(file), target));
      const isAllowed =
        roomOf(imported) === roomOf(file) ||
        floorOf(imported) > floorOf(file) ||
        (roomOf(file) === "cli" && roomOf(imported) === "stack");
      expect(isAllowed, `${file} imports ${imported}`).toBe(true);
    }
  });

  it("knows Pulumi only where resources are registered", () => {
    const components = ["images/training-image.ts", "workloads/register.ts", "workloads/stage-component.ts"];
    const isComponent = ["program.ts", "pulumi.ts", ...components].includes(file);
    if (!isComponent)
      expect(importsOf(file).filter((name) => name.startsWith("@pulumi/") || name.endsWith("/pulumi.ts"))).toEqual([]);
  });

  it("leaves the root of the engine's SDK alone, which takes a quarter of a second to load", () => {
    expect(importsOf(file)).not.toContain("@pulumi/pulumi");
  });

  it("keeps models out of workloads", () => {
    if (["workloads", "kubernetes", "environment"].includes(roomOf(file))) {
      expect(importsOf(file).filter((name) => name.includes("recipes"))).toEqual([]);
      expect(readFileSync(join(source, file), "utf8")).not.toMatch(/opensora/i);
    }
  });
});

describe.each(["architecture.md", "architecture.zh.md"])("docs/%s", (page) => {
  it("lists the rooms as they lie", () => {
    const text = readFileSync(join(projectFolder, "docs", page), "utf8");
    const rows = [...text.matchAll(/^\| ((?:`[a-z-]+` ?)+) \| /gm)].map(([, rooms = ""]) =>
      [...rooms.matchAll(/`([a-z-]+)`/g)].map(([, room]) => room),
    );
    expect(rows, "the table of rooms in the page, against the table of this test").toEqual(floors);
  });
});
