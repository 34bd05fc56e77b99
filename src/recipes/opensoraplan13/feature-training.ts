/** OpenSoraPlan1.3 text-to-video on extracted features: the recipe `opensoraplan1.3/t2v-features`. */
import type { Recipe } from "../recipe.ts";
import { planRun } from "./plan.ts";
import { type FeatureTrainingSettings, featureTrainingSchema } from "./surface/runs.ts";

/** Upstream's folder t2v_A3: extraction, and training on A2 and A3 nodes. */
export const openSoraPlan13FeatureTraining: Recipe<FeatureTrainingSettings> = {
  name: "opensoraplan1.3/t2v-features",
  settings: featureTrainingSchema,
  plan: planRun,
};
