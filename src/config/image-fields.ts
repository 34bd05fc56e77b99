/** Fields of the surface about building the training image, about the versions in an image built elsewhere, and about pulling it. */
import { z } from "zod";
import { absolutePath, positive, say, text } from "./fields.ts";

/** `repository@sha256:…`; a tag may stand before the digest. */
const digestReference = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:[A-Za-z0-9_.-]{1,128})?@sha256:[0-9a-f]{64}$/,
    "must be repository@sha256:<64 hexadecimal digits>; a tag alone can move under a running job",
  );

const repository = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+$/,
    "must be a repository with its registry and without tag or digest, e.g. registry.example.com/training/opensoraplan",
  );

const tagReference = text.regex(
  /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:[A-Za-z0-9_.-]{1,128})?$/,
  "must be an image reference, e.g. registry.example.com/training/cache:latest",
);

/** Folder of the project, or anywhere by an absolute path. */
const folder = text.regex(/^[^:,]+$/, "must be a folder, e.g. bundle or /srv/bundle");

const platform = z.enum(["linux/arm64", "linux/amd64"]);

/** What one version field says. */
const stated = (name: string, chinese: string) =>
  text
    .max(60)
    .optional()
    .meta(say(`Version of ${name} in the image`, `镜像中 ${chinese} 的版本`));

/** Versions of an image that was built elsewhere, as its labels say them. */
export const imageVersionsSchema = z.strictObject({
  mindspeedMm: stated("MindSpeed-MM", "MindSpeed-MM"),
  mindspeed: text.max(60).optional().meta(say("Commit of MindSpeed in the image", "镜像中 MindSpeed 的提交号")),
  megatron: stated("Megatron-LM", "Megatron-LM"),
  cann: stated("CANN", "CANN"),
  python: stated("Python", "Python"),
  torch: stated("torch", "torch"),
  torchNpu: stated("torch_npu", "torch_npu"),
  torchvision: stated("torchvision", "torchvision"),
  transformers: stated("transformers", "transformers"),
  os: text
    .max(60)
    .optional()
    .meta(say("Operating system of the image, e.g. ubuntu22.04", "镜像的操作系统,如 ubuntu22.04")),
  chip: text.max(60).optional().meta(say("Chip that the image is made for: 910b or a3", "镜像对应的芯片:910b 或 a3")),
  hdk: text
    .max(60)
    .optional()
    .meta(say("Version of the driver (Ascend HDK) on the nodes", "节点驱动(Ascend HDK)的版本")),
});

/** How `pulumi up` builds the image. */
export const imageBuildSchema = z.strictObject({
  engine: z
    .enum(["docker", "buildkit"])
    .default("docker")
    .meta(
      say(
        "docker: a plain Docker engine. buildkit: caches, secrets, several platforms and digests that repeat",
        "docker:普通 Docker 引擎;buildkit:支持缓存、机密、多平台和可复现摘要",
      ),
    ),
  repository: repository.meta(say("Where the image is pushed to, without tag", "镜像推送到的仓库,不含标签")),
  platform: z
    .union([platform, z.array(platform).min(1)])
    .optional()
    .meta(say("Platform of the image; that of the nodes when absent", "镜像平台;缺省为节点的平台")),
  python: z
    .enum(["3.10", "3.11"])
    .optional()
    .meta(say("Python of the image; that of the stack lock when absent", "镜像的 Python 版本;缺省取版本锁中的值")),
  os: z
    .enum(["ubuntu22.04", "openeuler24.03"])
    .optional()
    .meta(say("Operating system; that of the stack lock when absent", "操作系统;缺省取版本锁中的值")),
  base: digestReference
    .optional()
    .meta(
      say(
        "CANN base image by digest; that of the stack lock when absent",
        "带摘要的 CANN 基础镜像;缺省取版本锁中的镜像",
      ),
    ),
  apex: text
    .optional()
    .meta(
      say(
        "Version of apex to install from the prepared wheels; none when absent",
        "从预置 wheel 安装的 apex 版本;缺省不装",
      ),
    ),
  sources: folder
    .optional()
    .meta(
      say(
        "Folder that `ascend bundle` prepared; with it nothing is fetched from Git hosts or package indexes",
        "由 `ascend bundle` 准备的目录;设置后不访问 Git 与软件包源",
      ),
    ),
  gitHosts: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .optional()
    .meta(say("Git hosts or mirrors, tried in order", "Git 站点或镜像站,按顺序尝试")),
  certificates: absolutePath
    .optional()
    .meta(
      say(
        "File with certificates of a network that intercepts TLS; used while building and kept in no layer",
        "拦截 TLS 的网络所用的证书文件;仅构建时使用,不进入镜像层",
      ),
    ),
  pipConfiguration: absolutePath
    .optional()
    .meta(
      say(
        "pip.conf with an index or its credentials; used while building and kept in no layer",
        "含软件源或其凭据的 pip.conf;仅构建时使用,不进入镜像层",
      ),
    ),
  builder: text.optional().meta(say("Name of the buildx builder", "buildx 构建器名称")),
  cacheFrom: z.array(tagReference).default([]).meta(say("Images whose layers may be reused", "可复用其层的镜像")),
  cacheTo: tagReference.optional().meta(say("Where layers are kept for later builds", "保存构建缓存的镜像引用")),
});

/** Pulling the image before the gang starts. */
export const prePullSchema = z.strictObject({
  timeoutMinutes: positive
    .max(10_000)
    .default(60)
    .meta(
      say(
        "How long `pulumi up` waits until every chosen node has the image, in minutes",
        "pulumi up 等待所有选定节点拉取镜像的最长时间(分钟)",
      ),
    ),
});

/** Who may have made the image. */
export const signatureSchema = z.strictObject({
  publicKey: z
    .string()
    .regex(
      /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n?$/,
      "must be a public key in PEM form, as cosign generate-key-pair writes it into cosign.pub",
    )
    .meta(say("Public key that the image must be signed by, in PEM form", "镜像签名必须匹配的公钥(PEM)")),
  admission: z
    .enum(["none", "kyverno"])
    .default("none")
    .meta(
      say(
        "Whether the cluster enforces it: kyverno makes a policy that admits signed images alone; none leaves it to `ascend image verify`",
        "集群是否强制:kyverno 生成只准入已签名镜像的策略;none 仅由 `ascend image verify` 检查",
      ),
    ),
});

/** Stands for the reference of an image that is yet to be built; the plan puts a name of its own in its place. */
export const pendingReference = "(built by pulumi up)";

/** Whether an environment's image is built by the stack itself. */
export const isBuilt = (image: { readonly build?: unknown }): boolean => image.build !== undefined;

interface ImageInput {
  readonly reference?: string | undefined;
  readonly build?: unknown;
}

/** Exactly one of `build` and `reference`. */
export function requireOneImage(image: ImageInput, context: z.core.$RefinementCtx): void {
  const given = [
    ...(image.reference === undefined ? [] : ["reference"]),
    ...(image.build === undefined ? [] : ["build"]),
  ];
  if (given.length === 1) return;
  context.addIssue({
    code: "custom",
    message: "an image is either built or referred to by digest",
    params: {
      got: given.join(" and ") || "neither",
      allowed: "build or reference",
      remedy: "set image.reference to repository@sha256:…, or image.build.repository",
    },
  });
}

/** Gives every image a reference, so that the rest of the plan need not ask which kind it is. */
export const withReference = <Image extends ImageInput>(
  image: Image,
): Omit<Image, "reference"> & { reference: string } => ({
  ...image,
  reference: image.reference ?? pendingReference,
});
