/** The cluster of an environment, as a stack file describes it. */
import { z } from "zod";
import { type NodeShapeName, nodeShapes } from "../hardware/node-shapes.ts";
import { type ResourcePresetName, resourcePresets } from "../hardware/resource-presets.ts";
import { annotations, labels, positive, resourceName, say, text } from "./fields.ts";
import { schedulerSchema } from "./scheduler-schema.ts";

const toleration = z.strictObject({
  key: z.string().optional().meta(say("Taint key", "污点键")),
  operator: z.enum(["Exists", "Equal"]).optional().meta(say("How the value is compared", "值的比较方式")),
  value: z.string().optional().meta(say("Taint value", "污点值")),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().meta(say("Taint effect", "污点效果")),
  tolerationSeconds: z.int().min(0).optional().meta(say("How long the taint is tolerated, in seconds", "容忍时长(秒)")),
});

// `Object.keys` forgets the literal types; both tables are closed.
const shapeNames = Object.keys(nodeShapes) as [NodeShapeName, ...NodeShapeName[]];
const presetNames = Object.keys(resourcePresets) as [ResourcePresetName, ...ResourcePresetName[]];

const network = z
  .strictObject({
    mode: z
      .enum(["pod", "hostNetwork"])
      .default("pod")
      .meta(
        say(
          "Whether training pods have addresses of their own or use those of their node",
          "训练 Pod 使用 Pod 网络还是主机网络",
        ),
      ),
    interface: text
      .default("eth0")
      .meta(say("Network interface inside the pod that ranks meet on", "Pod 内用于建链的网卡名")),
    reason: text
      .optional()
      .meta(say("Why the host network is needed; shown in the plan", "为何需要主机网络;会显示在计划中")),
  })
  .prefault({})
  .superRefine((settings, context) => {
    if (settings.mode === "hostNetwork" && settings.reason === undefined) {
      context.addIssue({
        code: "custom",
        path: ["reason"],
        message: "the host network gives pods the node's addresses and ports and needs a reason",
        params: { got: "none", remedy: "add reason, or set mode to pod" },
      });
    }
    if (settings.mode === "pod" && settings.reason !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["reason"],
        message: "a reason says nothing without the host network",
        params: { remedy: "remove reason" },
      });
    }
  })
  .meta(say("Network of the training pods", "训练 Pod 的网络"));

const superPod = z
  .strictObject({
    block: positive
      .optional()
      .meta(
        say(
          "NPUs of one logical super pod (sp-block); the whole training when absent. Smaller blocks meet over RoCE",
          "单个逻辑超节点的 NPU 数(sp-block);缺省为整个训练。更小的块之间走 RoCE",
        ),
      ),
    nodes: positive
      .optional()
      .meta(
        say(
          "Nodes of one super pod, as Volcano's super-pod-size; the node shape's when absent",
          "单个超节点的节点数,即 Volcano 的 super-pod-size;缺省取自型号",
        ),
      ),
    affinity: z
      .enum(["soft", "hard"])
      .optional()
      .meta(say("Whether blocks must or should keep together", "超节点亲和为强制或尽量")),
  })
  .prefault({})
  .meta(say("Placement in super pods, on node shapes that have them", "超节点调度(仅限超节点型号)"));

/** Schema of the cluster. */
export const clusterSchema = z.strictObject({
  nodeShape: z.enum(shapeNames).meta(say("Kind of node that runs train on", "训练所用节点的型号")),
  nodes: positive.meta(say("How many nodes one run may use at most", "单个训练任务最多可用的节点数")),
  resourcePreset: z
    .enum(presetNames)
    .default("mindcluster")
    .meta(
      say(
        "Who publishes the NPUs: MindCluster, Huawei Cloud CCE or HAMi; decides the resource name",
        "NPU 由谁上报:MindCluster、华为云 CCE 或 HAMi;决定资源名",
      ),
    ),
  resourceName: resourceName
    .optional()
    .meta(
      say("Extended resource name of the NPUs, when it differs from the preset's", "NPU 扩展资源名,与预设不同时填写"),
    ),
  schedulePolicy: text
    .optional()
    .meta(
      say(
        "Scheduling policy of MindCluster's plugin; the node shape's when absent",
        "MindCluster 调度插件的策略;缺省取自型号",
      ),
    ),
  scheduler: schedulerSchema,
  superPod,
  network,
  driverMounts: z
    .boolean()
    .default(false)
    .meta(
      say(
        "Mount the NPU driver from the node; only for clusters without Ascend Docker Runtime",
        "从主机挂载 NPU 驱动;仅用于未安装 Ascend Docker Runtime 的集群",
      ),
    ),
  nodeSelector: labels
    .default({})
    .meta(say("Labels that the nodes of every stage must have", "所有阶段的节点必须带有的标签")),
  tolerations: z.array(toleration).default([]).meta(say("Taints that pods tolerate", "Pod 可容忍的污点")),
  podLabels: labels
    .default({})
    .meta(say("Labels on every pod; a change replaces Jobs", "加在每个 Pod 上的标签;修改会重建 Job")),
  podAnnotations: annotations
    .default({})
    .meta(say("Annotations on every pod; a change replaces Jobs", "加在每个 Pod 上的注解;修改会重建 Job")),
});
