/** OpenSoraPlan1.3 text-to-video: the recipe `opensoraplan1.3/t2v`. */
import type { Recipe } from "../recipe.ts";
import { planRun } from "./plan.ts";
import { type TextToVideoSettings, textToVideoSchema } from "./surface/runs.ts";

/** Text-to-video of the MindSpeed-MM 26.0.0 guide. */
export const openSoraPlan13TextToVideo: Recipe<TextToVideoSettings> = {
  name: "opensoraplan1.3/t2v",
  settings: textToVideoSchema,
  plan: planRun,
};
