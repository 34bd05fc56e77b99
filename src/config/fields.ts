/**
 * Building blocks of the configuration surface: named scalars with their rule and their message, and the metadata that every field
 * carries. The sections of the surface, and the recipes' own slices of it, are made of these.
 */
import { z } from "zod";

// Schemas are used once a process: compiling them first would take longer than it saves.
z.config({ jitless: true });

/** Metadata that every field carries: what it means, in English and in Chinese. */
export type FieldMetadata = { readonly description: string; readonly chinese: string };

export const say = (description: string, chinese: string): FieldMetadata => ({ description, chinese });

const isControl = (character: string): boolean => character < " " || character === "\u007f";
export const text = z
  .string()
  .min(1)
  .refine((value) => ![...value].some(isControl), "must not contain control characters");
export const positive = z.int().min(1).max(1_000_000_000);
export const dnsLabel = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "must be a DNS label: lower-case letters, digits and inner dashes, e.g. osp-t2v",
  );
/** Name of a Kubernetes object. */
export const dnsSubdomain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be the name of a Kubernetes object, e.g. hub-token");
/** Key of a Secret or ConfigMap. */
export const secretKey = z
  .string()
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/, "must be a key of a Secret: letters, digits, '-', '_' and '.'");
export const absolutePath = text.regex(
  /^\/(?!.*(^|\/)\.\.?(\/|$))[^:,]+$/,
  "must be an absolute path without '.', '..', ':' or ',', e.g. /mnt/weights",
);
export const relativePath = text.regex(
  /^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^:,]+$/,
  "must be a path below the volume, without leading slash, '..', ':' or ','",
);
export const quantity = z
  .string()
  .regex(/^[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/, "must be a Kubernetes quantity, e.g. 200Gi");
const labelValue = z
  .string()
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
    "must be a Kubernetes label value of at most 63 characters",
  );
const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    "must be a Kubernetes label key, e.g. team or example.com/team",
  );
export const labels = z.record(labelKey, labelValue);
export const annotations = z.record(labelKey, z.string());

export const resourceName = z
  .string()
  .regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/, "must be an extended resource name, e.g. huawei.com/Ascend910");

/**
 * Variables that the scheduler or the launcher sets: a value from the stack file would be overwritten or break the rendezvous.
 *
 * Sources: Kubernetes indexed Jobs; Ascend Operator 26.0.0 (`env.go`); Volcano's plugins env, svc and pytorch; torchrun.
 */
export const ownedVariables: readonly string[] = [
  ...["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "NNODES"],
  ...["GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE"],
  ...["JOB_COMPLETION_INDEX", "HCCL_LOGIC_SUPERPOD_ID", "REPLICA_TYPE", "HostNetwork", "POD_IP", "XDL_IP"],
  ...["PROCESS_RECOVER", "ELASTIC_PROCESS_RECOVER_ENABLE", "ENABLE_RESTART_FAULT_PROCESS", "HIGH_AVAILABILITY"],
];

/** Names that only a scheduler or the launcher gives start like this: MindCluster, Volcano, Kubeflow Trainer, torchrun. */
export const ownedVariablePrefixes: readonly string[] = ["MINDX_", "VC_", "VK_", "PET_", "TORCHELASTIC_"];

const isOwned = (name: string): boolean =>
  ownedVariables.includes(name) || ownedVariablePrefixes.some((prefix) => name.startsWith(prefix));

export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable")
  .refine((name) => !isOwned(name), "is set by the scheduler or the launcher and cannot be set here");
export const variableValue = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** A share between 0 and 1. */
export const fraction = z.number().min(0).max(1);

/** What a stage without NPUs asks of its node, and how long `up` waits for it. */
export const processorStage = (processorCores: number, memoryGiB: number, timeoutMinutes: number) =>
  z
    .strictObject({
      processorCores: positive.default(processorCores).meta(say("Processor cores of the pod", "Pod 的 CPU 核数")),
      memoryGiB: positive.default(memoryGiB).meta(say("Memory of the pod, in GiB", "Pod 的内存(GiB)")),
      timeoutMinutes: positive
        .max(100_000)
        .default(timeoutMinutes)
        .meta(say("How long `pulumi up` waits for the stage, in minutes", "pulumi up 等待该阶段的最长时间(分钟)")),
    })
    .prefault({});
