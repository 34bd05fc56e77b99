/**
 * The configuration surface: everything a stack file can say, strict all the way down. Defaults stand in the schema and nowhere else.
 * The editor schema and the reference pages are generated from the metadata of each field.
 *
 * Runs belong to recipes: a recipe brings the schema of its own runs, and `environmentShapeOf` puts them into the whole.
 */
import { z } from "zod";
import { clusterSchema } from "./cluster-schema.ts";
import { absolutePath, dnsLabel, labels, say, text } from "./fields.ts";
import {
  accessSchema,
  networkPolicySchema,
  prioritySchema,
  queueSchema,
  quotaSchema,
  securitySchema,
  waiversSchema,
} from "./guard-rails.ts";
import {
  imageBuildSchema,
  imageVersionsSchema,
  prePullSchema,
  requireOneImage,
  signatureSchema,
  withReference,
} from "./image-fields.ts";
import type { RunSettings } from "./run-fields.ts";
import { SecretReference } from "./secret-reference.ts";
import { storageSchema } from "./storage-section.ts";

const secretText = z.instanceof(SecretReference, {
  message:
    "must be an encrypted value; write it with: pulumi config set --secret --path 'ascend-stacks:environment.<path>'",
});

const imageReference = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:[A-Za-z0-9_.-]{1,128})?@sha256:[0-9a-f]{64}$/,
    "must be repository@sha256:<64 hexadecimal digits>; a tag alone can move under a running job",
  );

const imageFields = z.strictObject({
  reference: imageReference
    .optional()
    .meta(say("Training image by digest, built elsewhere", "在别处构建的训练镜像,必须带摘要")),
  evaluation: imageReference
    .optional()
    .meta(say("Image of evaluation stages, by digest", "评测阶段使用的镜像,必须带摘要")),
  build: imageBuildSchema.optional().meta(say("Training image that `pulumi up` builds", "由 pulumi up 构建的训练镜像")),
  versions: imageVersionsSchema
    .optional()
    .meta(
      say(
        "Versions in an image that was built elsewhere, as its labels say; judged by the vendors' tables",
        "在别处构建的镜像所含版本(见其标签),按厂商配套表检查",
      ),
    ),
  prePull: prePullSchema
    .optional()
    .meta(
      say("Pulls the image on all chosen nodes before any stage starts", "在任何阶段开始前,于所有选定节点预拉镜像"),
    ),
  signature: signatureSchema.optional().meta(say("Key that the image must be signed by", "镜像必须由该密钥签名")),
  pullPolicy: z
    .enum(["IfNotPresent", "Always", "Never"])
    .default("IfNotPresent")
    .meta(say("When nodes pull the image", "节点拉取镜像的策略")),
  pullSecrets: z
    .array(dnsLabel)
    .default([])
    .meta(say("Existing secrets with registry credentials", "已存在的镜像仓库凭据 Secret")),
  registryCredentials: z
    .union([
      z.strictObject({
        server: text.meta(say("Registry host", "镜像仓库地址")),
        username: text.meta(say("User name", "用户名")),
        password: secretText.meta({ ...say("Password, encrypted by Pulumi", "由 Pulumi 加密的口令"), secret: true }),
      }),
      z.strictObject({
        externalSecret: z
          .strictObject({
            store: text.meta(say("Name of the secret store", "SecretStore 名称")),
            storeKind: z
              .enum(["ClusterSecretStore", "SecretStore"])
              .default("ClusterSecretStore")
              .meta(say("Kind of the secret store", "SecretStore 的类型")),
            key: text.meta(
              say("Key in the store that holds the Docker configuration (JSON)", "存储中保存 Docker 配置(JSON)的键"),
            ),
            property: text.optional().meta(say("Property below that key", "该键下的属性")),
          })
          .meta(
            say(
              "Taken from a secret store by External Secrets; fit for Git",
              "由 External Secrets 从密钥库读取;可入 Git",
            ),
          ),
      }),
      z.strictObject({
        sealedSecret: text.meta(
          say(
            "The key .dockerconfigjson of the secret ascend-stacks-registry, sealed by kubeseal for the environment's namespace; fit for Git",
            "由 kubeseal 针对本环境命名空间加密的 ascend-stacks-registry 的 .dockerconfigjson 键;可入 Git",
          ),
        ),
      }),
    ])
    .optional()
    .meta(
      say(
        "Credentials from which a pull secret is made: encrypted by Pulumi, or by reference to a secret store",
        "用于生成拉取凭据的账号:由 Pulumi 加密,或引用密钥库",
      ),
    ),
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

const imageSchema = imageFields.superRefine(requireOneImage).transform(withReference);

const duration = z.string().regex(/^([0-9]+(ms|s|m|h))+$/, "must be a duration, e.g. 15s");

const observabilitySchema = z.strictObject({
  labels: labels
    .default({})
    .meta(say("Labels by which Prometheus selects monitors and rules", "Prometheus 选择监控对象与规则所用的标签")),
  interval: duration.default("15s").meta(say("How often training pods are asked", "采集训练 Pod 的间隔")),
  exporter: z
    .strictObject({
      namespace: dnsLabel.default("npu-exporter").meta(say("Namespace of npu-exporter", "npu-exporter 所在命名空间")),
      serviceLabels: labels
        .default({ app: "npu-exporter-svc" })
        .meta(say("Labels of npu-exporter's Service", "npu-exporter Service 的标签")),
      targetPort: z.int().min(1).max(65_535).default(8082).meta(say("Port of npu-exporter", "npu-exporter 的端口")),
      interval: duration.default("10s").meta(say("How often npu-exporter is asked", "采集 npu-exporter 的间隔")),
    })
    .prefault({})
    .meta(say("Metrics of the NPUs", "NPU 指标")),
  temperatureCelsius: z
    .int()
    .min(40)
    .max(120)
    .default(95)
    .meta(say("NPU temperature that raises an alert, in degrees Celsius", "NPU 温度告警阈值(摄氏度)")),
  stalledMinutes: z
    .int()
    .min(5)
    .max(1440)
    .default(30)
    .meta(say("Minutes without a new iteration that raise an alert", "多少分钟没有新迭代时告警")),
  dashboardLabels: labels
    .default({ grafana_dashboard: "1" })
    .meta(say("Labels by which Grafana finds the dashboard", "Grafana 发现面板所用的标签")),
});

const runName = z
  .string()
  .max(30, "must have at most 30 characters")
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, "must be a DNS label that starts with a letter, e.g. t2v-93x480p");

/**
 * The environment without the rules across sections; the editor schema is made from it.
 *
 * @param runSchema schema of one run: a union over the recipes
 */
export const environmentShapeOf = <Run extends z.ZodType<RunSettings>>(runSchema: Run) =>
  z.strictObject({
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
    observability: observabilitySchema
      .optional()
      .meta(
        say(
          "Monitors, alert rules and a dashboard; needs the Prometheus Operator's definitions in the cluster",
          "监控、告警规则与面板;集群需已安装 Prometheus Operator 的 CRD",
        ),
      ),
    security: securitySchema,
    access: accessSchema,
    networkPolicy: networkPolicySchema,
    quota: quotaSchema,
    priority: prioritySchema,
    queue: queueSchema,
    waivers: waiversSchema,
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

/** Schema of a whole environment. */
export type EnvironmentShape = ReturnType<typeof environmentShapeOf>;
/** A validated stack file. */
export type Environment = z.infer<EnvironmentShape>;
/** The cluster of an environment. */
export type ClusterSettings = Environment["cluster"];
/** One volume of an environment. */
export type VolumeSettings = Environment["storage"]["weights"];
