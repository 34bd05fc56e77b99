/**
 * The configuration surface: everything a stack file can say, strict all the way down. Defaults stand here and nowhere else. The
 * editor schema and the reference pages are generated from the metadata of each field.
 *
 * Defaults of runs are those of MindSpeed-MM v26.0.0, examples/opensoraplan1.3/t2v/pretrain_t2v.sh.
 */
import { z } from "zod";
import { type NodeShapeName, nodeShapes } from "../hardware/node-shapes.ts";
import { SecretReference } from "./secret-reference.ts";

/** Metadata that every field carries: what it means, in English and in Chinese. */
export type FieldMetadata = { readonly description: string; readonly chinese: string };

const say = (description: string, chinese: string): FieldMetadata => ({ description, chinese });

const isControl = (character: string): boolean => character < " " || character === "\u007f";
const text = z
  .string()
  .min(1)
  .refine((value) => ![...value].some(isControl), "must not contain control characters");
const positive = z.int().min(1).max(1_000_000_000);
const dnsLabel = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "must be a DNS label: lower-case letters, digits and inner dashes, e.g. osp-t2v",
  );
const absolutePath = text.regex(
  /^\/(?!.*(^|\/)\.\.?(\/|$))[^:,]+$/,
  "must be an absolute path without '.', '..', ':' or ',', e.g. /mnt/weights",
);
const relativePath = text.regex(
  /^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^:,]+$/,
  "must be a path below the volume, without leading slash, '..', ':' or ','",
);
const quantity = z
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
const labels = z.record(labelKey, labelValue);
const annotations = z.record(labelKey, z.string());

const resourceName = z
  .string()
  .regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/, "must be an extended resource name, e.g. huawei.com/Ascend910");

/** Variables that a scheduler or the launcher sets: a value from the stack file would be overwritten or break the rendezvous. */
export const ownedVariables: readonly string[] = [
  ...["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "NNODES"],
  ...["JOB_COMPLETION_INDEX", "HCCL_LOGIC_SUPERPOD_ID", "REPLICA_TYPE", "VC_TASK_INDEX", "VK_TASK_INDEX"],
];

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable")
  .refine(
    (name) => !ownedVariables.includes(name) && !name.startsWith("MINDX_"),
    "is set by the scheduler or the launcher and cannot be set here",
  );
const variableValue = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const toleration = z.strictObject({
  key: z.string().optional().meta(say("Taint key", "污点键")),
  operator: z.enum(["Exists", "Equal"]).optional().meta(say("How the value is compared", "值的比较方式")),
  value: z.string().optional().meta(say("Taint value", "污点值")),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().meta(say("Taint effect", "污点效果")),
  tolerationSeconds: z.int().min(0).optional().meta(say("How long the taint is tolerated, in seconds", "容忍时长(秒)")),
});

const shapeNames = Object.keys(nodeShapes) as [NodeShapeName, ...NodeShapeName[]];

const clusterSchema = z.strictObject({
  nodeShape: z.enum(shapeNames).meta(say("Kind of node that runs train on", "训练所用节点的型号")),
  nodes: positive.meta(say("How many nodes one run may use at most", "单个训练任务最多可用的节点数")),
  resourceName: resourceName
    .optional()
    .meta(
      say(
        "Extended resource name of the NPUs, when it differs from the node shape's (Huawei Cloud CCE: huawei.com/ascend-1980)",
        "NPU 扩展资源名,与型号默认值不同时填写(华为云 CCE 为 huawei.com/ascend-1980)",
      ),
    ),
  scheduler: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("job").meta(say("Indexed Job of Kubernetes itself", "Kubernetes 原生 Indexed Job")),
      }),
    ])
    .default({ kind: "job" })
    .meta(say("How stages are placed on the cluster", "各阶段在集群上的调度方式")),
  network: z
    .strictObject({
      interface: text
        .default("eth0")
        .meta(say("Network interface inside the pod that ranks meet on", "Pod 内用于建链的网卡名")),
    })
    .prefault({})
    .meta(say("Pod network", "Pod 网络")),
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

const secretText = z.instanceof(SecretReference, {
  message:
    "must be an encrypted value; write it with: pulumi config set --secret --path 'ascend-stacks:environment.<path>'",
});

const imageSchema = z.strictObject({
  reference: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:[A-Za-z0-9_.-]{1,128})?@sha256:[0-9a-f]{64}$/,
      "must be repository@sha256:<64 hexadecimal digits>; a tag alone can move under a running job",
    )
    .meta(say("Training image by digest", "训练镜像,必须带摘要")),
  pullPolicy: z
    .enum(["IfNotPresent", "Always", "Never"])
    .default("IfNotPresent")
    .meta(say("When nodes pull the image", "节点拉取镜像的策略")),
  pullSecrets: z
    .array(dnsLabel)
    .default([])
    .meta(say("Existing secrets with registry credentials", "已存在的镜像仓库凭据 Secret")),
  registryCredentials: z
    .strictObject({
      server: text.meta(say("Registry host", "镜像仓库地址")),
      username: text.meta(say("User name", "用户名")),
      password: secretText.meta({ ...say("Password, encrypted by Pulumi", "由 Pulumi 加密的口令"), secret: true }),
    })
    .optional()
    .meta(say("Credentials from which a pull secret is made", "用于生成拉取凭据的账号")),
  workingDirectory: absolutePath
    .default("/workspace/MindSpeed-MM")
    .meta(say("Where MindSpeed-MM lies in the image", "镜像内 MindSpeed-MM 的目录")),
  runtimeFolder: absolutePath
    .default("/opt/ascend-stacks/runtime")
    .meta(say("Where the in-pod runtime lies in the image", "镜像内运行时程序的目录")),
  environmentScripts: z
    .array(absolutePath)
    .default(["/usr/local/Ascend/cann/set_env.sh", "/usr/local/Ascend/ascend-toolkit/set_env.sh"])
    .meta(say("CANN environment scripts; the first that exists is sourced", "CANN 环境变量脚本,取第一个存在的")),
});

const volume = (mountPath: string) =>
  z
    .strictObject({
      mountPath: absolutePath.default(mountPath).meta(say("Where pods mount the volume", "在 Pod 内的挂载路径")),
      subPath: relativePath
        .optional()
        .meta(say("Folder of the volume that is mounted instead of its root", "挂载卷内的子目录")),
      readOnly: z.boolean().default(false).meta(say("Whether pods may only read it", "是否只读")),
      claim: dnsLabel.optional().meta(say("Name of an existing claim", "已存在的 PVC 名称")),
      nfs: z
        .strictObject({
          server: text.meta(say("Host name or address", "主机名或地址")),
          path: absolutePath.meta(say("Exported path", "导出路径")),
        })
        .optional()
        .meta(say("File server", "NFS 服务器")),
      size: quantity
        .optional()
        .meta(say("Size of a claim that is made for the environment", "为该环境新建的 PVC 的容量")),
      storageClass: dnsLabel
        .optional()
        .meta(
          say("Storage class of that claim; the cluster's default when absent", "新建 PVC 的存储类;缺省用集群默认值"),
        ),
      accessMode: z
        .enum(["ReadWriteMany", "ReadWriteOnce", "ReadOnlyMany"])
        .default("ReadWriteMany")
        .meta(say("Access mode of that claim", "新建 PVC 的访问模式")),
      retain: z
        .boolean()
        .default(true)
        .meta(say("Whether that claim is protected and outlives the stack", "该 PVC 是否受保护且在销毁环境后保留")),
    })
    .superRefine((settings, context) => {
      const given = (["claim", "nfs", "size"] as const).filter((key) => settings[key] !== undefined);
      if (given.length !== 1) {
        context.addIssue({
          code: "custom",
          message: "a volume needs exactly one of claim, nfs and size",
          params: { got: given.join(", ") || "none", allowed: "claim, nfs or size" },
        });
      }
      if (settings.storageClass !== undefined && settings.size === undefined) {
        context.addIssue({
          code: "custom",
          path: ["storageClass"],
          message: "a storage class says nothing without size",
          params: { remedy: "add size" },
        });
      }
    });

const storageSchema = z.strictObject({
  weights: volume("/mnt/weights").meta(say("Downloaded and converted weights", "下载及转换后的权重")),
  dataset: volume("/mnt/dataset").meta(say("Videos and annotation files", "视频与标注文件")),
  checkpoints: volume("/mnt/checkpoints").meta(
    say("Checkpoints and prepared dataset lists", "训练检查点与处理后的数据列表"),
  ),
});

const ringFields = {
  windowSize: positive
    .default(1)
    .meta(say("Inner window of double ring attention, in ranks", "双层 Ring Attention 的内层窗口(rank 数)")),
  overlapSendReceive: z.boolean().default(true).meta(say("Whether sending and receiving overlap", "是否启用收发重叠")),
  acknowledgeBroken: z
    .boolean()
    .default(false)
    .meta(say("Runs it although MindSpeed-MM 26.0.0 breaks it for this model", "明知 26.0.0 中该模型不可用仍要启用")),
};

const parallelSchema = z.strictObject({
  tensor: positive.default(1).meta(say("Tensor parallel size", "张量并行(TP)大小")),
  context: positive.default(1).meta(say("Context parallel size", "序列并行(CP)大小")),
  sequence: z
    .boolean()
    .default(true)
    .meta(
      say(
        "Megatron's sequence parallelism; without tensor parallelism it does nothing",
        "Megatron 序列并行(SP);未开 TP 时不起作用",
      ),
    ),
  contextAlgorithm: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("ulysses").meta(say("Each rank holds some heads of the whole sequence", "Ulysses 序列并行")),
      }),
      z.strictObject({ kind: z.literal("ring").meta(say("Ring attention", "Ring Attention 序列并行")), ...ringFields }),
      z.strictObject({
        kind: z.literal("hybrid").meta(say("Ulysses and ring together (USP)", "Ulysses 与 Ring 混合(USP)")),
        ulyssesDegree: positive.meta(say("Ranks of the Ulysses part", "Ulysses 部分的并行度")),
        ...ringFields,
      }),
    ])
    .default({ kind: "ulysses" })
    .meta(say("How attention shares a sequence", "注意力计算切分序列的方式")),
});

const batchSchema = z
  .strictObject({
    micro: positive.default(1).meta(say("Samples of a microbatch on one rank", "微批大小(MBS)")),
    accumulation: positive
      .optional()
      .meta(
        say(
          "Microbatches a step; 1 when neither this nor global is given",
          "梯度累积步数(ACC),未给出且无 global 时为 1",
        ),
      ),
    global: positive.optional().meta(say("Samples a step over all ranks", "全局批大小(GBS)")),
  })
  .superRefine(({ accumulation, global }, context) => {
    if (accumulation === undefined || global === undefined) return;
    context.addIssue({
      code: "custom",
      path: ["global"],
      message: "the global batch follows from the accumulation",
      params: { got: "both", allowed: "accumulation or global", remedy: "remove one of them" },
    });
  });

const fraction = z.number().min(0).max(1);

const trainingSchema = z.strictObject({
  iterations: positive.default(5000).meta(say("Training steps", "训练步数")),
  saveInterval: positive.default(10_000).meta(say("Steps between checkpoints", "保存检查点的间隔步数")),
  logInterval: positive.default(1).meta(say("Steps between log lines", "打印日志的间隔步数")),
  evaluationInterval: positive.default(10_000).meta(say("Steps between evaluations", "评估间隔步数")),
  evaluationIterations: positive.default(10).meta(say("Steps of one evaluation", "单次评估的步数")),
  learningRate: fraction.gt(0).default(1e-5).meta(say("Learning rate", "学习率")),
  minimumLearningRate: fraction.default(1e-5).meta(say("Lowest learning rate", "最小学习率")),
  weightDecay: fraction.default(1e-2).meta(say("Weight decay", "权重衰减")),
  warmupIterations: z.int().min(0).max(1_000_000_000).default(0).meta(say("Steps of the warm-up", "预热步数")),
  clipGradient: z.number().min(0).max(1000).default(1).meta(say("Largest gradient norm", "梯度裁剪阈值")),
  recomputeLayers: z
    .int()
    .min(0)
    .max(32)
    .default(32)
    .meta(say("Layers whose activations are computed again", "重计算层数")),
  workers: z.int().min(0).max(256).default(4).meta(say("Data loader processes a rank", "每个 rank 的数据加载进程数")),
  masterPort: z.int().min(1024).max(65_535).default(29_505).meta(say("TCP port of the rendezvous", "主节点通信端口")),
});

const processorStage = (processorCores: number, memoryGiB: number, timeoutMinutes: number) =>
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

/** Stages of OpenSoraPlan1.3 in the order in which they run. */
export const stageNames = ["convertVae", "convertDit", "prepareDataset", "pretrain"] as const;

const runSchema = z.strictObject({
  recipe: z.enum(["opensoraplan1.3/t2v"]).meta(say("What is trained", "训练的模型与任务")),
  stages: z
    .array(z.enum(stageNames))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "must not name a stage twice")
    .default([...stageNames])
    .meta(say("Stages to run; the order of the list does not matter", "要运行的阶段;列表顺序不影响执行顺序")),
  nodes: positive.default(1).meta(say("Nodes of the training", "训练节点数")),
  npusPerNode: positive
    .optional()
    .meta(say("NPUs of each node; all of the node when absent", "每个节点使用的 NPU 数;缺省为整机")),
  sources: z
    .strictObject({
      vae: relativePath
        .default("open-sora-plan/merged.ckpt")
        .meta(say("Downloaded video autoencoder, below the weights volume", "下载的 VAE 权重,相对权重卷")),
      dit: relativePath
        .default("open-sora-plan/93x480p")
        .meta(say("Downloaded DiT weights, below the weights volume", "下载的 DiT 权重,相对权重卷")),
      textEncoder: relativePath
        .default("google/mt5-xxl")
        .meta(say("mT5-xxl, below the weights volume", "mT5-xxl 目录,相对权重卷")),
    })
    .prefault({})
    .meta(say("Downloaded weights", "下载的原始权重")),
  dataset: z
    .strictObject({
      folder: z
        .union([z.literal(""), relativePath])
        .default("")
        .meta(say("Root folder of the videos, below the dataset volume", "视频根目录,相对数据集卷")),
      annotations: z
        .array(relativePath.regex(/\.jsonl?$/, "must end in .json or .jsonl"))
        .min(1)
        .default(["v1.1.0_HQ_part3.json"])
        .meta(say("Annotation files, below the dataset volume", "标注文件,相对数据集卷")),
    })
    .prefault({})
    .meta(say("Training videos", "训练视频")),
  parallel: parallelSchema.prefault({}).meta(say("How ranks share the work", "并行策略")),
  resolution: z
    .enum(["dynamic", "static"])
    .default("dynamic")
    .meta(say("Whether clips keep their own shape or all get one size", "动态或固定分辨率")),
  batch: batchSchema.prefault({}).meta(say("Samples a step", "批大小")),
  training: trainingSchema.prefault({}).meta(say("Training settings", "训练参数")),
  environmentVariables: z
    .record(variableName, variableValue)
    .default({})
    .meta(say("Environment variables of the training, over the recipe's own", "训练的环境变量,覆盖默认值")),
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
  conversion: processorStage(8, 128, 120).meta(say("Stages that convert weights", "权重转换阶段")),
  datasetPreparation: processorStage(16, 32, 240).meta(say("Stage that prepares the dataset", "数据集处理阶段")),
  podAnnotations: annotations
    .default({})
    .meta(say("Annotations on the pods of this run; a change replaces its Jobs", "该任务 Pod 的注解;修改会重建 Job")),
});

const runName = z
  .string()
  .max(30, "must have at most 30 characters")
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, "must be a DNS label that starts with a letter, e.g. t2v-93x480p");

/** The environment without the rules across sections; the editor schema is made from it. */
export const environmentShape = z.strictObject({
  namespace: dnsLabel.meta(say("Namespace that the environment makes and lives in", "环境所在的命名空间(自动创建)")),
  labels: labels
    .default({})
    .meta(
      say(
        "Labels on every object, but not on pods; can be changed while training runs",
        "加在所有对象(不含 Pod)上的标签;训练中可修改",
      ),
    ),
  cluster: clusterSchema.meta(say("The cluster", "集群")),
  image: imageSchema.meta(say("The training image", "训练镜像")),
  storage: storageSchema.meta(say("The volumes", "存储卷")),
  runs: z
    .record(runName, runSchema)
    .refine((runs) => Object.keys(runs).length > 0, "must name at least one run")
    .meta(say("Training runs by name", "训练任务,以名称为键")),
  allowReplacing: z
    .array(z.string())
    .default([])
    .meta(
      say(
        "Runs whose protection is lifted: the next update may replace or remove their training",
        "解除保护的任务:下一次更新可重建或删除其训练",
      ),
    ),
});

/** A validated stack file. */
export type Environment = z.infer<typeof environmentShape>;
/** The cluster of an environment. */
export type ClusterSettings = Environment["cluster"];
/** One volume of an environment. */
export type VolumeSettings = Environment["storage"]["weights"];
/** One training run. */
export type RunSettings = Environment["runs"][string];
