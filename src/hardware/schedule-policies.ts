/**
 * The values that the annotation `huawei.com/schedule_policy` may have. A missing or misspelt value is not refused by the scheduler's
 * NPU plugin: it falls through to the handler of the Ascend 910A, with other rings and other counts.
 *
 * Source: mind-cluster v26.0.0 and v26.1.0, component/ascend-for-volcano/internal/npu/factory.go.
 */

/** NPUs of a node by policy; 0 where the policy is for nodes of any size. */
export const schedulePolicies = {
  "chip8-node8": 8,
  "chip8-node16": 16,
  "chip2-node16": 16,
  "chip2-node16-sp": 16,
  "chip2-node8": 8,
  "chip2-node8-sp": 8,
  "chip4-node8": 8,
  "chip1-node2": 2,
  "chip4-node4": 4,
  "chip4-node16": 16,
  "chip1-node8": 8,
  "chip1-node16": 16,
  "chip8-node8-sp": 8,
  "chip8-node8-ra64-sp": 8,
  multilevel: 0,
  "chip1-softShareDev": 0,
  /** An old name of `chip2-node16` that the plugin still takes. */
  "module-a3-16": 16,
} as const satisfies Readonly<Record<string, number>>;

/** A known scheduling policy. */
export type SchedulePolicy = keyof typeof schedulePolicies;

/** Whether the plugin knows this value. */
export const isSchedulePolicy = (value: string): value is SchedulePolicy => Object.hasOwn(schedulePolicies, value);

/** Whether the policy places pods with regard to super pods, and so reads `sp-block`. */
export const isSuperPodPolicy = (value: string): boolean => value.endsWith("-sp");
