/** What every run has, whatever is trained: the part of a run that other rooms than its recipe may look at. */
import { z } from "zod";
import { annotations, dnsSubdomain, positive, say, secretKey, text, variableName, variableValue } from "./fields.ts";

/** Fields of every run. A recipe adds its name, its stages and its own settings. */
export const commonRunFields = {
  nodes: positive.default(1).meta(say("Nodes of the training", "训练节点数")),
  npusPerNode: positive
    .optional()
    .meta(say("NPUs of each node; all of the node when absent", "每个节点使用的 NPU 数;缺省为整机")),
  environmentVariables: z
    .record(variableName, variableValue)
    .default({})
    .meta(say("Environment variables of the training, over the recipe's own", "训练的环境变量,覆盖默认值")),
  acceptedVariables: z
    .array(variableName)
    .default([])
    .meta(
      say(
        "Names in environmentVariables that are passed on although they look misspelt or their value is outside the known range",
        "environmentVariables 中确认无误的名称:即使疑似拼写错误或取值超出已知范围也照常传递",
      ),
    ),
  secretVariables: z
    .record(
      variableName,
      z.strictObject({
        secret: dnsSubdomain.meta(say("Name of an existing Secret in the namespace", "命名空间中已存在的 Secret")),
        key: secretKey.meta(say("Key inside it", "其中的键")),
      }),
    )
    .default({})
    .meta(
      say(
        "Environment variables whose values stand in Secrets of the cluster; the stack holds their names only",
        "取值来自集群 Secret 的环境变量;栈文件只含名称",
      ),
    ),
  restarts: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .meta(
      say(
        "How often a failed training is started again from its last checkpoint; can be changed while it runs",
        "训练失败后从最近检查点重启的次数;运行中可修改",
      ),
    ),
  metricsPort: z
    .int()
    .min(0)
    .max(65_535)
    .refine(
      (port) => port === 0 || port >= 1024,
      "must be 0 (no metrics) or 1024 to 65535: pods may not use lower ports",
    )
    .default(9464)
    .meta(
      say(
        "TCP port on which training pods serve their progress for Prometheus; 0 serves none",
        "训练 Pod 向 Prometheus 提供进度指标的 TCP 端口;0 表示不提供",
      ),
    ),
  resources: z
    .strictObject({
      processorCores: positive
        .optional()
        .meta(
          say("Processor cores of a training pod; the node's share when absent", "训练 Pod 的 CPU 核数;缺省按整机比例"),
        ),
      memoryGiB: positive
        .optional()
        .meta(
          say("Memory of a training pod, in GiB; the node's share when absent", "训练 Pod 的内存(GiB);缺省按整机比例"),
        ),
      sharedMemoryGiB: positive
        .default(64)
        .meta(say("Size of /dev/shm, in GiB; counts against the memory", "/dev/shm 大小(GiB),计入内存限额")),
    })
    .prefault({})
    .meta(say("What a training pod asks of its node", "训练 Pod 的资源")),
  podAnnotations: annotations
    .default({})
    .meta(say("Annotations on the pods of this run; a change replaces its Jobs", "该任务 Pod 的注解;修改会重建 Job")),
};

/** A run as the rooms above the recipes see it. */
export const commonRunSchema = z.object({ recipe: text, stages: z.array(z.string()), ...commonRunFields });

/** The part of a run that every recipe has. */
export type RunSettings = z.infer<typeof commonRunSchema>;
