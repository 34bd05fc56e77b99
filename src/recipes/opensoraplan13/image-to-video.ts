/** OpenSoraPlan1.3 image-to-video: the recipe `opensoraplan1.3/i2v`. */
import type { Recipe } from "../recipe.ts";
import { planRun } from "./plan.ts";
import { type ImageToVideoSettings, imageToVideoSchema } from "./surface/runs.ts";

/** Image-to-video of the MindSpeed-MM 26.0.0 guide. */
export const openSoraPlan13ImageToVideo: Recipe<ImageToVideoSettings> = {
  name: "opensoraplan1.3/i2v",
  settings: imageToVideoSchema,
  plan: planRun,
};
