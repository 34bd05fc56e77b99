/** Sections of the surface about what surrounds the stages: security of pods, access, network, quota, queues. */
import { z } from "zod";
import { absolutePath, dnsLabel, dnsSubdomain, labels, positive, say, text } from "./fields.ts";
import { securityRuleNames } from "./security-rules.ts";

/** How pods and their namespace are hardened. */
export const securitySchema = z
  .strictObject({
    podSecurity: z
      .strictObject({
        level: z
          .enum(["restricted", "baseline", "privileged"])
          .optional()
          .meta(
            say(
              "Level of Pod Security that the namespace enforces; the strictest that its pods meet when absent",
              "命名空间强制的 Pod Security 级别;缺省取其 Pod 能满足的最严级别",
            ),
          ),
        version: z
          .string()
          .regex(/^(latest|v1\.[0-9]{1,3})$/, "must be latest or a version such as v1.34")
          .default("latest")
          .meta(say("Version of that level", "该级别对应的版本")),
      })
      .prefault({})
      .meta(say("Pod Security of the namespace", "命名空间的 Pod Security")),
    readOnlyRootFilesystem: z
      .boolean()
      .default(true)
      .meta(say("Whether the root file system of containers is read-only", "容器根文件系统是否只读")),
    writablePaths: z
      .array(absolutePath)
      .max(50)
      .default([])
      .meta(
        say(
          "Further folders that programs may write to; their content ends with the pod",
          "允许写入的其他目录;内容随 Pod 结束而消失",
        ),
      ),
    scratchGiB: positive
      .default(100)
      .meta(
        say(
          "Most that a pod may write to its writable folders, in GiB of the node's disk; beyond it the pod is evicted",
          "Pod 可写目录占用节点磁盘的上限(GiB),超出会被驱逐",
        ),
      ),
  })
  .prefault({})
  .meta(say("Security of the pods", "Pod 安全"));

const subject = z
  .strictObject({
    kind: z.enum(["User", "Group", "ServiceAccount"]).meta(say("Kind of identity", "身份类型")),
    name: text.meta(say("Name of the identity", "身份名称")),
    namespace: dnsLabel
      .optional()
      .meta(
        say("Namespace of a service account; the environment's when absent", "ServiceAccount 的命名空间;缺省为本环境"),
      ),
  })
  .refine(({ kind, namespace }) => kind === "ServiceAccount" || namespace === undefined, {
    message: "only a ServiceAccount has a namespace",
    path: ["namespace"],
  });

/** Who may do what in the namespace. */
export const accessSchema = z
  .strictObject({
    deployers: z
      .array(subject)
      .default([])
      .meta(say("Who may start, change and end trainings in the namespace", "可创建、修改、结束训练的身份")),
    viewers: z
      .array(subject)
      .default([])
      .meta(say("Who may look at jobs, pods, logs and events", "可查看任务、Pod、日志和事件的身份")),
    queueReader: z
      .boolean()
      .default(false)
      .meta(
        say(
          "Whether deployers may read Volcano queues, which takes a ClusterRole",
          "是否允许部署者读取 Volcano 队列(需要 ClusterRole)",
        ),
      ),
  })
  .optional()
  .meta(say("Roles in the namespace, made when this section is there", "命名空间内的角色;有此节时创建"));

const cidr = z.string().regex(/^[0-9a-fA-F.:]+\/[0-9]{1,3}$/, "must be a block of addresses, e.g. 10.20.0.0/16");

/** Which traffic stage pods may have. */
export const networkPolicySchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .meta(
        say(
          "Whether all traffic but that of this section is denied to stage pods",
          "是否拒绝阶段 Pod 除本节之外的所有流量",
        ),
      ),
    dnsNamespace: dnsLabel
      .default("kube-system")
      .meta(say("Namespace of the cluster's DNS", "集群 DNS 所在的命名空间")),
    dnsAddresses: z
      .array(cidr)
      .default(["169.254.0.0/16"])
      .meta(
        say(
          "Addresses of DNS servers outside of that namespace; the default is that of caches on the node",
          "该命名空间之外的 DNS 地址;缺省为节点本地缓存",
        ),
      ),
    egress: z
      .array(
        z.strictObject({
          cidr: cidr.meta(say("Addresses", "地址段")),
          ports: z
            .array(z.int().min(1).max(65_535))
            .default([])
            .meta(say("TCP ports; all ports when empty", "TCP 端口;为空表示所有端口")),
        }),
      )
      .default([])
      .meta(
        say(
          "Servers that programs reach by themselves: object storage, mirrors for downloads, file servers. Mounted volumes need no entry, for the node mounts them",
          "程序自行访问的服务器:对象存储、下载镜像站、文件服务器。已挂载的卷由节点挂载,无需列出",
        ),
      ),
    metricsFrom: labels
      .optional()
      .meta(
        say(
          "Labels of the namespaces whose pods may read metrics of stage pods; none when absent",
          "可抓取阶段 Pod 指标的命名空间标签;缺省不允许",
        ),
      ),
  })
  .prefault({})
  .meta(say("Traffic of stage pods", "阶段 Pod 的网络流量"));

/** What the namespace may use at most. */
export const quotaSchema = z
  .strictObject({
    npus: positive.optional().meta(say("NPUs; those of cluster.nodes when absent", "NPU 数;缺省按 cluster.nodes")),
    memoryGiB: positive
      .optional()
      .meta(
        say("Memory that pods request, in GiB; that of cluster.nodes when absent", "内存(GiB);缺省按 cluster.nodes"),
      ),
    processorCores: positive
      .optional()
      .meta(
        say("Processor cores that pods request; those of cluster.nodes when absent", "CPU 核数;缺省按 cluster.nodes"),
      ),
    pods: positive
      .optional()
      .meta(say("Pods; derived from cluster.nodes and the stages when absent", "Pod 数;缺省按 cluster.nodes 与阶段数")),
    headroomPercent: z
      .int()
      .min(0)
      .max(100)
      .default(10)
      .meta(
        say(
          "Room above the derived memory, processor cores and pods, in percent; NPUs get none",
          "在推算的内存、CPU、Pod 之上的余量(%);NPU 无余量",
        ),
      ),
    defaultProcessorCores: positive
      .default(1)
      .meta(say("Processor cores for containers that ask for none", "未声明 CPU 的容器的默认请求")),
    defaultMemoryGiB: positive
      .default(4)
      .meta(say("Memory for containers that ask for none, in GiB", "未声明内存的容器的默认值(GiB)")),
  })
  .optional()
  .meta(say("Quota of the namespace, made when this section is there", "命名空间配额;有此节时创建"));

/** Which pods go first. */
export const prioritySchema = z
  .strictObject({
    className: dnsSubdomain
      .optional()
      .meta(say("Existing PriorityClass of the stage pods", "阶段 Pod 使用的已存在的 PriorityClass")),
    value: z
      .int()
      .min(-1_000_000_000)
      .max(1_000_000_000)
      .optional()
      .meta(say("Value of a PriorityClass that is made for the environment", "为该环境新建的 PriorityClass 的值")),
    preempts: z.boolean().default(false).meta(say("Whether its pods may push out others", "是否允许抢占其他 Pod")),
  })
  .refine(({ className, value }) => (className === undefined) !== (value === undefined), {
    message: "needs exactly one of className and value",
  })
  .optional()
  .meta(say("Priority of the stage pods; a change replaces Jobs", "阶段 Pod 的优先级;修改会重建 Job"));

/** Queues of the cluster. */
export const queueSchema = z
  .strictObject({
    kueue: dnsLabel
      .optional()
      .meta(
        say(
          "LocalQueue of Kueue in the namespace, for the kinds job and jobSet",
          "命名空间中的 Kueue LocalQueue,适用于 job 与 jobSet",
        ),
      ),
    volcano: z
      .strictObject({
        name: dnsSubdomain
          .optional()
          .meta(
            say("Name of the queue; that of cluster.scheduler when absent", "队列名;缺省取 cluster.scheduler 中的队列"),
          ),
        weight: positive.max(65_535).default(1).meta(say("Share against other queues", "相对其他队列的权重")),
        reclaimable: z
          .boolean()
          .default(false)
          .meta(
            say(
              "Whether other queues may take back what it uses beyond its share, which ends trainings",
              "其他队列是否可回收其超额资源(会终止训练)",
            ),
          ),
        npus: positive.optional().meta(say("Most NPUs of the queue", "队列的 NPU 上限")),
      })
      .optional()
      .meta(say("Volcano Queue that is made for the environment", "为该环境新建的 Volcano Queue")),
  })
  .prefault({})
  .meta(say("Queues that jobs wait in", "任务排队所用的队列"));

/** Rules that an environment breaks on purpose. */
export const waiversSchema = z
  .array(
    z.strictObject({
      rule: z.enum(securityRuleNames).meta(say("Name of the rule", "规则名")),
      reason: text
        .max(500)
        .refine((reason) => reason.trim().length >= 10, "must say why, in at least 10 characters")
        .meta(say("Why the environment breaks it; shown in every plan", "违反该规则的原因;会在计划中显示")),
    }),
  )
  .refine((waivers) => new Set(waivers.map(({ rule }) => rule)).size === waivers.length, "names a rule twice")
  .default([])
  .meta(say("Security rules that the environment breaks on purpose", "有意违反的安全规则"));
