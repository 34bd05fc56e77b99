/** The section `storage`: the three volumes of an environment and the ways to get one. */
import { z } from "zod";
import { absolutePath, dnsLabel, dnsSubdomain, quantity, relativePath, say, text } from "./fields.ts";

const mountOptions = z
  .array(text)
  .default([])
  .meta(say("Mount options, e.g. nfsvers=4.1", "挂载选项,例如 nfsvers=4.1"));

const capacity = quantity.meta(
  say("Size that the volume is listed with; nothing enforces it", "卷的标称容量,不做强制"),
);

const secretName = z.strictObject({
  name: dnsSubdomain.meta(say("Name of an existing Secret", "已存在的 Secret 名称")),
  namespace: dnsLabel.meta(say("Its namespace", "Secret 所在命名空间")),
});

const csi = z.strictObject({
  driver: dnsSubdomain.meta(say("Name of the driver, e.g. nas.csi.everest.io", "驱动名,例如 nas.csi.everest.io")),
  volumeHandle: text.meta(say("Identity of the volume for the driver", "驱动识别该卷的标识")),
  capacity,
  attributes: z
    .record(text, z.string())
    .default({})
    .meta(say("Attributes for the driver, never secrets", "传给驱动的属性,不得含机密")),
  fileSystem: text.optional().meta(say("File system type, where the driver needs it", "文件系统类型(驱动需要时填写)")),
  mountOptions,
  secrets: z
    .strictObject({
      nodePublish: secretName.optional().meta(say("For mounting into pods", "用于挂载到 Pod")),
      nodeStage: secretName.optional().meta(say("For mounting on nodes", "用于挂载到节点")),
    })
    .prefault({})
    .meta(say("Secrets of the driver, by name only", "驱动所用 Secret,仅写名称")),
});

const nfs = z.strictObject({
  server: text.meta(say("Host name or address", "主机名或地址")),
  path: absolutePath.meta(say("Exported path", "导出路径")),
  persistentVolume: z
    .strictObject({ capacity, mountOptions })
    .optional()
    .meta(
      say(
        "Mount it through a PersistentVolume rather than directly: takes mount options, and lets the namespace be restricted",
        "通过 PersistentVolume 挂载而非直接挂载:可用挂载选项,命名空间可保持 restricted",
      ),
    ),
});

const sources = ["claim", "nfs", "csi", "size"] as const;

const volume = (mountPath: string) =>
  z
    .strictObject({
      mountPath: absolutePath.default(mountPath).meta(say("Where pods mount the volume", "在 Pod 内的挂载路径")),
      subPath: relativePath
        .optional()
        .meta(say("Folder of the volume that is mounted instead of its root", "挂载卷内的子目录")),
      readOnly: z.boolean().default(false).meta(say("Whether pods may only read it", "是否只读")),
      claim: dnsLabel.optional().meta(say("Name of an existing claim", "已存在的 PVC 名称")),
      nfs: nfs.optional().meta(say("File server", "NFS 服务器")),
      csi: csi.optional().meta(say("Existing volume of a CSI driver", "CSI 驱动的已有卷")),
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
        .meta(say("Access mode of a claim that is made", "新建 PVC 的访问模式")),
      retain: z
        .boolean()
        .default(true)
        .meta(
          say(
            "Whether a claim that is made is protected and outlives the stack",
            "新建的 PVC 是否受保护且在销毁环境后保留",
          ),
        ),
    })
    .superRefine((settings, context) => {
      const given = sources.filter((key) => settings[key] !== undefined);
      if (given.length !== 1) {
        context.addIssue({
          code: "custom",
          message: "a volume needs exactly one of claim, nfs, csi and size",
          params: { got: given.join(", ") || "none", allowed: "claim, nfs, csi or size" },
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

/** The volumes of an environment, by role. */
export const storageSchema = z.strictObject({
  weights: volume("/mnt/weights").meta(say("Downloaded and converted weights", "下载及转换后的权重")),
  dataset: volume("/mnt/dataset").meta(say("Videos and annotation files", "视频与标注文件")),
  checkpoints: volume("/mnt/checkpoints").meta(
    say("Checkpoints and prepared dataset lists", "训练检查点与处理后的数据列表"),
  ),
});
