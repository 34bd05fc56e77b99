/** How stages are placed on a cluster: one shape for each workload kind, with the fault tolerance that MindCluster offers. */
import { z } from "zod";
import { dnsLabel, positive, say, text } from "./fields.ts";

const queue = dnsLabel
  .default("default")
  .meta(say("Volcano queue; the queue must exist", "Volcano 队列;该队列必须已存在"));

/** Ways to recover that the documents of MindCluster list. */
export const recoverStrategies = ["retry", "recover", "recover-in-place", "elastic-training", "dump", "exit"] as const;

const faultTolerance = z
  .strictObject({
    scheduling: z
      .enum(["grace", "force", "off"])
      .default("grace")
      .meta(
        say(
          "What happens to the pods of a training with restarts when an NPU or a node fails: deleted with time to end, deleted at once, or nothing",
          "带重启次数的训练在 NPU 或节点故障时如何处理 Pod:优雅删除、强制删除或不处理",
        ),
      ),
    gracePeriodSeconds: positive
      .optional()
      .meta(
        say(
          "Seconds between the request to stop and the end by force; 120 for trainings when absent",
          "停止请求到强制结束之间的秒数;训练缺省为 120",
        ),
      ),
    podRescheduling: z
      .boolean()
      .default(false)
      .meta(say("Recreate the failed pod alone; needs TaskD in the image", "仅重建故障 Pod;镜像中需要 TaskD")),
    subHealth: z
      .enum(["ignore", "graceExit", "forceExit", "hotSwitch"])
      .default("ignore")
      .meta(say("What happens when an NPU is slow rather than broken", "NPU 亚健康时的处理方式")),
    recoverStrategy: z
      .array(z.enum(recoverStrategies))
      .default([])
      .meta(say("Recovery at process level, in order of preference", "进程级恢复策略,按优先顺序")),
    acknowledge: text
      .optional()
      .meta(
        say(
          "Why a recovery is asked for that the documents exclude for multimodal models",
          "为何使用文档中注明不支持多模态模型的恢复方式",
        ),
      ),
  })
  .prefault({})
  .meta(say("What MindCluster does when hardware fails", "MindCluster 的故障处理"));

const torAffinity = z
  .enum(["large-model-schema", "normal-schema", "none"])
  .optional()
  .meta(
    say(
      "Placement by top-of-rack switch; needs the cluster's table of switches",
      "按接入交换机放置;需要集群的交换机拓扑表",
    ),
  );

const volcanoForPlainKinds = z
  .enum(["volcano"])
  .optional()
  .meta(
    say(
      "Scheduler of the NPU pods; the cluster's default when absent. Volcano places all pods of a stage or none",
      "NPU Pod 的调度器;缺省用集群默认调度器。Volcano 会整组调度",
    ),
  );

/** The workload kinds that a stack file can ask for. */
export const schedulerSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("job").meta(say("Indexed Job of Kubernetes itself", "Kubernetes 原生 Indexed Job")),
      schedulerName: volcanoForPlainKinds,
    }),
    z.strictObject({
      kind: z
        .literal("jobSet")
        .meta(say("JobSet: all pods are started again when one fails", "JobSet:任一 Pod 失败则整组重启")),
      schedulerName: volcanoForPlainKinds,
    }),
    z.strictObject({
      kind: z
        .literal("volcanoJob")
        .meta(say("Volcano Job: all pods are placed together or not at all", "Volcano Job:整组调度")),
      queue,
      torAffinity,
      faultTolerance,
    }),
    z.strictObject({
      kind: z
        .literal("ascendJob")
        .meta(say("AscendJob of MindCluster's Ascend Operator", "MindCluster Ascend Operator 的 AscendJob")),
      queue,
      torAffinity,
      faultTolerance,
    }),
  ])
  .default({ kind: "job" })
  .meta(
    say(
      "How trainings are placed on the cluster; stages without NPUs are Indexed Jobs on every kind",
      "训练在集群上的调度方式;不用 NPU 的阶段始终是 Indexed Job",
    ),
  );
