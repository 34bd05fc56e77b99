/** What a stack file says of bringing weights from a hub or a mirror. */
import { z } from "zod";
import { positive, relativePath, say, text, variableName } from "../../../config/fields.ts";

const address = text.regex(/^https?:\/\/[^\s?#]+$/, "must be an address, e.g. https://huggingface.co");
const file = text.regex(
  /^(?!\/)[^\s@]+(@[0-9a-fA-F]{64})?$/,
  "must be a path in the repository, with @ and its SHA-256 behind it when that is known",
);

const repositorySchema = z.strictObject({
  repository: text
    .regex(/^[\w.-]+\/[\w.-]+$/, "must be owner/name")
    .meta(say("Repository on the hub", "仓库(所有者/名称)")),
  revision: text.default("main").meta(say("Branch, tag or commit", "分支、标签或提交")),
  files: z
    .array(file)
    .default([])
    .meta(say("Files, each with @ and its SHA-256 behind it when that is known", "文件,可附 @SHA-256 校验值")),
  patterns: z.array(text).default([]).meta(say("Patterns of files in the hub's listing", "按通配符匹配仓库文件列表")),
  folder: relativePath.meta(say("Folder to bring the files to, below the weights volume", "目标目录,相对权重卷")),
});

/**
 * Where weights come from.
 *
 * @param ditPattern pattern of the DiT weights in the model's own repository
 */
export const downloadSchema = (ditPattern: string | undefined) =>
  z
    .strictObject({
      hub: address
        .default("https://huggingface.co")
        .meta(say("Address of the hub, or of a mirror", "下载站或镜像站地址")),
      layout: z
        .enum(["hub", "plain"])
        .default("hub")
        .meta(
          say(
            "How files are addressed: as a hub does, or by their path alone",
            "地址形式:hub 为 <站点>/<仓库>/resolve/<版本>/<路径>,plain 为 <站点>/<路径>",
          ),
        ),
      tokenVariable: variableName
        .optional()
        .meta(
          say(
            "Variable with the hub's token; name it in secretVariables, so that it comes from a Secret",
            "存放访问令牌的变量名,须在 secretVariables 中引用 Secret",
          ),
        ),
      repositories: z
        .array(repositorySchema)
        .min(1)
        .default([
          {
            repository: "LanguageBind/Open-Sora-Plan-v1.3.0",
            revision: "main",
            files: [],
            patterns: [...(ditPattern === undefined ? [] : [ditPattern]), "vae/*"],
            folder: "open-sora-plan",
          },
          {
            repository: "google/mt5-xxl",
            revision: "main",
            files: [],
            patterns: ["*.json", "*.model", "*.bin"],
            folder: "google/mt5-xxl",
          },
        ])
        .meta(say("What to bring; names on the hub have changed before", "下载内容;站点上的文件名可能变动")),
      timeoutMinutes: positive
        .max(100_000)
        .default(1440)
        .meta(say("How long `pulumi up` waits for one repository, in minutes", "每个仓库的最长等待时间(分钟)")),
    })
    .prefault({})
    .meta(say("Bringing weights from a hub or a mirror", "权重下载"));

/** Settings of the download. */
export type DownloadSettings = z.infer<ReturnType<typeof downloadSchema>>;
/** One repository of a download. */
export type DownloadRepository = DownloadSettings["repositories"][number];
