/** The recipes there are, by their name in stack files. A new recipe adds its folder and one line here. */
import { openSoraPlan13TextToVideo } from "./opensoraplan13/text-to-video.ts";
import type { Recipe } from "./recipe.ts";

const recipes: readonly Recipe[] = [openSoraPlan13TextToVideo];

/** The recipe of that name. The configuration surface admits known names only, so a miss is a programming error. */
export function recipeOf(name: string): Recipe {
  const recipe = recipes.find((candidate) => candidate.name === name);
  if (recipe === undefined) throw new Error(`no recipe ${name} in the catalogue`);
  return recipe;
}
