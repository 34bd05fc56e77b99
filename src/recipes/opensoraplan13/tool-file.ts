/**
 * The tool file (`--mm-tool`): profiling and memory snapshots, both off, as upstream ships it, and where extracted features go.
 *
 * Fields and values: mindspeed_mm/tools/tools.json of MindSpeed-MM.
 */
import type { Fields } from "./model-file.ts";

/**
 * The content of the file as data; keys keep upstream's names. Relative paths are relative to the working directory.
 *
 * @param featureFolder where the feature extraction writes; a training does not read it
 */
export const toolFile = (featureFolder = "./sora_features"): Fields => ({
  profile: {
    enable: false,
    profile_type: "static",
    ranks: [0, 1, 2, 3],
    static_param: {
      level: "level1",
      with_stack: false,
      with_memory: false,
      record_shapes: false,
      with_cpu: true,
      save_path: "./npu_profiling",
      start_step: 10,
      end_step: 11,
      data_simplification: false,
      aic_metrics_type: "PipeUtilization",
    },
    dynamic_param: { config_path: "path to dynamic config folder" },
  },
  memory_profile: {
    enable: false,
    start_step: 0,
    end_step: 2,
    save_path: "./memory_snapshot",
    dump_ranks: [0],
    stacks: "all",
    max_entries: null,
    mem_info: false,
  },
  sorafeature: { save_path: featureFolder },
});
