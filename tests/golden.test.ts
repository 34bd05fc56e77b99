import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderFiles } from "../src/gitops/render.ts";
import { plannedStacks, projectFolder } from "./stacks.ts";

/** Rendered manifests of every stack against `stacks/expected`, reviewed like code. `make golden` renews them on purpose. */
const isRenewing = process.env.UPDATE_GOLDEN === "1";

describe.each(plannedStacks)("stack %s", (name, { objects }) => {
  const folder = join(projectFolder, "stacks", "expected", name);
  const files = renderFiles(objects);
  if (isRenewing) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const file of files) writeFileSync(join(folder, file.name), file.content);
  }

  it("renders the expected files and no others", () => {
    expect(existsSync(folder) ? readdirSync(folder).sort() : []).toEqual(files.map((file) => file.name).sort());
  });

  it.each(files.map((file) => [file.name, file.content]))("renders %s as expected", (file, content) => {
    expect(content).toBe(existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "(no such file)");
  });
});

it("covers no stack that is gone", () => {
  expect(readdirSync(join(projectFolder, "stacks", "expected")).sort()).toEqual(
    plannedStacks.map(([name]) => name).sort(),
  );
});
