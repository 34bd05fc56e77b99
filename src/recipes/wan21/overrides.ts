/** What users may override of the two programs by upstream's names, and what follows from settings instead. */
import type { FieldRules } from "../../overrides/fields.ts";
import { type Owned, ownedOptions } from "../../overrides/owned-options.ts";
import type { ProgramRules } from "../../overrides/program.ts";

const by = (setting: string): Owned => ({ setting, reason: `it follows from ${setting}` });
const because = (reason: string): Owned => ({ reason });

const network = "the weights, their conversion and the rules on the layout are made for this network";
const features = "this model is trained on features";
const place = "its place follows from what it is made of";

/** Options that mean something else where FSDP2 spreads the model. */
const options: ProgramRules["options"] = {
  ...ownedOptions,
  "ckpt-format": because("FSDP2 saves in the format torch_dcp, which the checks in the pod read"),
  "use-torch-fsdp2": because("this recipe is the form with FSDP2"),
  "fsdp2-config-path": by("sharding"),
  "use-distributed-optimizer": because("FSDP2 spreads the optimiser itself"),
  "recompute-granularity": by("sharding.recompute"),
  "recompute-method": by("sharding.recompute"),
  "recompute-num-layers": by("sharding.recompute"),
  "no-load-optim": by("training.optimiserState"),
  "no-load-rng": by("training.optimiserState"),
  "no-save-optim": by("training.optimiserState"),
  "no-save-rng": by("training.optimiserState"),
  "distributed-timeout-minutes": by("training.timeoutMinutes"),
};

const clipFields: FieldRules["owned"] = {
  "dataset_param.dataset_type": because(features),
  "dataset_param.basic_parameters.data_path": because(place),
  "dataset_param.basic_parameters.data_folder": because(place),
  "dataset_param.basic_parameters.data_storage_mode": because(place),
  "dataset_param.tokenizer_config": by("sources.folder"),
  "dataset_param.preprocess_parameters.num_frames": by("clip.frames"),
  "dataset_param.preprocess_parameters.max_height": by("clip.height"),
  "dataset_param.preprocess_parameters.max_width": by("clip.width"),
  "dataset_param.preprocess_parameters.max_hxw": by("clip.height and clip.width"),
  "dataset_param.preprocess_parameters.train_fps": by("clip.framesPerSecond"),
  "dataset_param.preprocess_parameters.min_num_frames": because("the list of clips is made for it"),
  "dataset_param.preprocess_parameters.hw_stride": because("the list of clips is made for it"),
  "dataset_param.preprocess_parameters.hw_aspect_thr": because("the list of clips is made for it"),
  "dataset_param.preprocess_parameters.force_resolution": because("the list of clips is made for it"),
};

const tools: FieldRules = { owned: { "sorafeature.save_path": because(place) }, known: {} };

/** The pretraining. */
export const trainingRules: ProgramRules = {
  options,
  model: {
    owned: {
      task: because("the recipe is the task"),
      load_video_features: because(features),
      load_text_features: because(features),
      "predictor.model_id": because(network),
      "predictor.model_type": because(network),
      "predictor.num_layers": because(network),
      "predictor.num_heads": because(network),
      "predictor.hidden_size": because(network),
      "predictor.ffn_dim": because(network),
      "predictor.pipeline_num_layers": because("FSDP2 knows no pipeline"),
      "patch.bridge_patch": because("weights are converted beforehand"),
    },
    known: {},
  },
  data: { owned: clipFields, known: {} },
  tools,
};

/** The feature extraction. */
export const extractionRules: ProgramRules = {
  options,
  model: {
    owned: { "ae.from_pretrained": by("sources.folder"), "text_encoder.from_pretrained": by("sources.folder") },
    known: { task: "t2v" },
  },
  data: { owned: clipFields, known: {} },
  tools,
};
