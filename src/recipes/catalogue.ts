/** The recipes there are, by their name in stack files. A new recipe adds its folder and one line here. */
import { z } from "zod";
import { environmentShapeOf } from "../config/schema.ts";
import { openSoraPlan13FeatureTraining } from "./opensoraplan13/feature-training.ts";
import { openSoraPlan13ImageToVideo } from "./opensoraplan13/image-to-video.ts";
import { openSoraPlan13TextToVideo } from "./opensoraplan13/text-to-video.ts";
import type { Recipe } from "./recipe.ts";

/** All recipes. The first is the one that the reference lists first. */
export const recipes = [
  openSoraPlan13TextToVideo,
  openSoraPlan13ImageToVideo,
  openSoraPlan13FeatureTraining,
] as const satisfies readonly Recipe[];

/** The whole configuration surface: the environment with the runs of every recipe. */
export const environmentShape = environmentShapeOf(
  z.discriminatedUnion("recipe", [recipes[0].settings, ...recipes.slice(1).map(({ settings }) => settings)]),
);

/** The recipe of that name. The configuration surface admits known names only, so a miss is a programming error. */
export function recipeOf(name: string): Recipe {
  const recipe: Recipe | undefined = recipes.find((candidate) => candidate.name === name);
  if (recipe === undefined) throw new Error(`no recipe ${name} in the catalogue`);
  return recipe;
}
