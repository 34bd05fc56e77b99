import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { environmentShapeOf } from "../src/config/schema.ts";
import { planEnvironment } from "../src/pipeline/pipeline.ts";
import { recipes } from "../src/recipes/catalogue.ts";
import { plannedStacks, projectFolder } from "./stacks.ts";

/** Adding a model is adding its folder and a line of the catalogue: no other file of the code knows that it is there. */

const source = join(projectFolder, "src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const folderOf = (file: string): string => file.split("/").slice(0, 2).join("/");

/** What names the second model in code, data and words. */
const secondModel = /\bwan(?:2|dit|21|converter)|Wan-AI|\bWan\b/i;

it("keeps the second model in its folder and the catalogue", () => {
  const naming = files.filter((file) => secondModel.test(readFileSync(join(source, file), "utf8")));
  expect([...new Set(naming.map(folderOf))].sort()).toEqual(["recipes/catalogue.ts", "recipes/wan21"]);
  const catalogue = readFileSync(join(source, "recipes", "catalogue.ts"), "utf8").split("\n");
  expect(catalogue.filter((line) => secondModel.test(line))).toHaveLength(2);
});

it("lets no recipe's folder import another's", () => {
  for (const file of files.filter((name) => /^recipes\/(wan21|opensoraplan13)\//.test(name))) {
    const other = file.startsWith("recipes/wan21/") ? "opensoraplan13" : "wan21";
    expect(readFileSync(join(source, file), "utf8"), file).not.toContain(`/${other}/`);
  }
});

const isSecond = (recipe: string): boolean => recipe.startsWith("wan2.1/");

it("plans every other stack the same without the second model in the catalogue", () => {
  const rest = recipes.filter(({ name }) => !isSecond(name));
  expect(rest).toHaveLength(recipes.length - 1);
  const [first, ...others] = rest;
  if (first === undefined) throw new Error("no other recipe");
  const shape = environmentShapeOf(
    z.discriminatedUnion("recipe", [first.settings, ...others.map(({ settings }) => settings)]),
  );
  const stacks = plannedStacks.filter(([, { plan }]) => !plan.runs.some(({ recipe }) => isSecond(recipe)));
  expect(stacks.length).toBeGreaterThan(10);
  for (const [name, { plan }] of stacks) {
    const environment = shape.parse(structuredClone(plan.environment));
    expect(planEnvironment(environment), name).toEqual(plan);
  }
});
