/**
 * Arguments and environment of upstream's nine scripts with their own values, as facts: what follows `torchrun`, in order.
 *
 * Source: examples/opensoraplan1.3 of MindSpeed-MM v26.0.0. Shared parts stand once; each script names where it differs.
 */
import type { GuideStack } from "../../src/recipes/opensoraplan13/upstream-differences.ts";

/** What a script starts. */
export interface Script {
  readonly words: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

const split = (text: string): readonly string[] => text.trim().split(/\s+/);

const launch = (npus: number, port: number): string =>
  `--nproc_per_node ${npus} --nnodes 1 --node_rank 0 --master_addr localhost --master_port ${port}`;

interface Sizes {
  readonly tensor: number;
  readonly context: number;
  readonly globalBatch: number;
}

const one: Sizes = { tensor: 1, context: 1, globalBatch: 8 };

const optimiser =
  "--lr 1e-5 --min-lr 1e-5 --adam-beta1 0.9 --adam-beta2 0.999 --adam-eps 1e-15 --lr-decay-style constant --weight-decay 1e-2 " +
  "--lr-warmup-init 1e-5 --lr-warmup-iters 0 --clip-grad 1.0 --train-iters 5000 --no-gradient-accumulation-fusion";

const recompute = (layers: number): string =>
  `--bf16 --recompute-granularity full --recompute-method block --recompute-num-layers ${layers} --use-distributed-optimizer --sequence-parallel`;

const pretrain = ({ tensor, context, globalBatch }: Sizes, layers: number, data: string, model: string): string =>
  `pretrain_sora.py --tensor-model-parallel-size ${tensor} --pipeline-model-parallel-size 1 --virtual-pipeline-model-parallel-size 1 ` +
  `--context-parallel-size ${context} --context-parallel-algo ulysses_cp_algo --micro-batch-size 1 --global-batch-size ${globalBatch} ` +
  `${optimiser} --load your_converted_dit_ckpt_dir ${recompute(layers)} --allow-tf32 --num-workers 4 ` +
  `--mm-data ${data} --mm-model ${model} --mm-tool ./mindspeed_mm/tools/tools.json ` +
  "--log-interval 1 --save-interval 10000 --eval-interval 10000 --eval-iters 10 --save your_ckpt_path_to_save --ckpt-format torch " +
  "--distributed-backend nccl";

const infer = (program: string, model: string, timeout: number): string =>
  `${program} --mm-model ${model} --tensor-model-parallel-size 1 --pipeline-model-parallel-size 1 --context-parallel-size 1 ` +
  "--micro-batch-size 1 --global-batch-size 1 --lr 2e-5 --min-lr 2e-5 --train-iters 5010 --weight-decay 0 --clip-grad 1 " +
  "--adam-beta1 0.9 --adam-beta2 0.999 --no-gradient-accumulation-fusion --no-load-optim --no-load-rng --no-save-optim --no-save-rng " +
  `--fp16 --load your_converted_dit_ckpt_dir --distributed-timeout-minutes ${timeout}`;

const osp = "examples/opensoraplan1.3";
const features = `${osp}/t2v_A3/pretrain_t2v_model.json`;
const extraction =
  "mindspeed_mm/tools/feature_extraction/get_sora_feature.py --tensor-model-parallel-size 1 --pipeline-model-parallel-size 1 " +
  `--context-parallel-size 1 --micro-batch-size 1 --global-batch-size 8 ${optimiser} ${recompute(0)} --num-workers 8 ` +
  `--mm-data ${osp}/t2v_A3/feature_extract/data.json --mm-model ${features} --mm-tool ./mindspeed_mm/tools/tools.json ` +
  "--distributed-backend nccl";

const seven = {
  CUDA_DEVICE_MAX_CONNECTIONS: "1",
  ASCEND_SLOG_PRINT_TO_STDOUT: "0",
  ASCEND_GLOBAL_LOG_LEVEL: "3",
  TASK_QUEUE_ENABLE: "1",
  COMBINED_ENABLE: "1",
  CPU_AFFINITY_CONF: "1",
  HCCL_CONNECT_TIMEOUT: "1200",
};
const nine = { ...seven, MULTI_STREAM_MEMORY_REUSE: "1", PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True" };
const only = { CUDA_DEVICE_MAX_CONNECTIONS: "1" };

const script = (launched: string, program: string, variables: Script["variables"]): Script => ({
  words: ["torchrun", ...split(launched), ...split(program)],
  variables,
});

/** Upstream's scripts by the stack that stands for each. */
export const scripts: Readonly<Record<GuideStack, Script>> = {
  "guide-t2v-pretrain": script(
    launch(8, 29_505),
    pretrain(one, 32, `./${osp}/t2v/data_dynamic_resolution.json`, `./${osp}/t2v/pretrain_t2v_model.json`),
    nine,
  ),
  "guide-i2v-pretrain": script(
    launch(8, 6000),
    pretrain(one, 32, `./${osp}/i2v/data_i2v.json`, `./${osp}/i2v/pretrain_i2v_model.json`),
    seven,
  ),
  "guide-t2v-inference": script(
    launch(1, 12_875),
    infer("inference_sora.py", `${osp}/t2v/inference_t2v_model.json`, 20),
    only,
  ),
  "guide-i2v-inference": script(
    launch(1, 12_875),
    infer("inference_sora.py", `${osp}/i2v/inference_i2v_model.json`, 20),
    only,
  ),
  "guide-t2v-evaluate": script(
    launch(1, 12_875),
    infer("evaluate_gen.py", `${osp}/t2v/eval_t2v_model.json`, 600),
    only,
  ),
  "guide-i2v-evaluate": script(
    launch(1, 12_875),
    infer("evaluate_gen.py", `${osp}/i2v/eval_i2v_model.json`, 600),
    only,
  ),
  "guide-extract-features": script(launch(8, 29_505), extraction, nine),
  "guide-feature-pretrain-a2": script(
    launch(8, 29_505),
    pretrain({ tensor: 8, context: 1, globalBatch: 1 }, 0, `${osp}/t2v_A3/data_feature.json`, features),
    nine,
  ),
  "guide-feature-pretrain-a3": script(
    launch(16, 29_505),
    pretrain({ tensor: 4, context: 2, globalBatch: 2 }, 0, `${osp}/t2v_A3/data_feature.json`, features),
    nine,
  ),
};
