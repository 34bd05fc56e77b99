/** A stand-in for the CANN base image, built on the spot: a small Debian with the folders, scripts and user that the real one has. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheRoot } from "../cache.ts";
import { run } from "../processes.ts";
import type { Builder } from "./builder.ts";
import { findBuilderPrograms } from "./programs.ts";

const release = "bookworm";
const packages = ["python3", "python3-pip", "python3-venv", "passwd", "ca-certificates"];

/** Python of that Debian release. */
export const stubPython = "3.11";

/** The root file system as an archive; made once and kept, for making it takes longest of all. */
export async function stubRootFileSystem(): Promise<string> {
  const file = join(cacheRoot(), "image-builder", `${release}-${packages.join("+")}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.tar`;
  const { code, stderr } = await run(findBuilderPrograms().mmdebstrap, [
    ...["--variant=apt", `--include=${packages.join(",")}`, '--aptopt=Acquire::Languages "none"'],
    ...[
      "--dpkgopt=path-exclude=/usr/share/man/*",
      "--dpkgopt=path-exclude=/usr/share/doc/*",
      "--dpkgopt=path-exclude=/usr/share/locale/*",
    ],
    ...[release, partial],
  ]);
  if (code !== 0) {
    rmSync(partial, { force: true });
    throw new Error(`mmdebstrap ended with ${code}: ${stderr.trim().split("\n").slice(-3).join(" | ")}`);
  }
  renameSync(partial, file);
  return file;
}

/**
 * What CANN 9.0.0's image has that the training image relies on: the toolkit folder with its link and scripts, driver libraries for
 * building only, and an entrypoint that a pod's command replaces.
 */
const dockerfile = `FROM scratch AS rootfs
ADD rootfs.tar /
FROM rootfs
RUN set -eu; \\
    cann=/usr/local/Ascend/cann-9.0.0; devlib=$cann/$(uname -m)-linux/devlib/linux/$(uname -m); \\
    mkdir -p "$devlib" /usr/local/Ascend/nnal/atb; \\
    ln -s cann-9.0.0 /usr/local/Ascend/cann; \\
    echo 'export ASCEND_TOOLKIT_HOME=/usr/local/Ascend/cann-9.0.0' > $cann/set_env.sh; \\
    echo 'export ATB_HOME_PATH=/usr/local/Ascend/nnal/atb' > /usr/local/Ascend/nnal/atb/set_env.sh; \\
    cp "$(ls /lib/*-linux-gnu/libm.so.6)" "$devlib/libascend_hal.so"; \\
    groupadd --gid 1000 HwHiAiUser; useradd --uid 1000 --gid 1000 --create-home HwHiAiUser
ENV ASCEND_TOOLKIT_HOME=/usr/local/Ascend/cann-9.0.0
USER 1000
ENTRYPOINT ["bash", "-c", "source /usr/local/Ascend/cann/set_env.sh && exec \\"$@\\"", "--"]
`;

/** Builds and pushes the stand-in; returns its reference by digest. */
export async function buildStubBase(builder: Builder, folder: string): Promise<string> {
  const context = join(folder, "stub-base");
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, "Dockerfile"), dockerfile);
  const archive = await stubRootFileSystem();
  const link = await run("cp", ["--reflink=auto", archive, join(context, "rootfs.tar")]);
  if (link.code !== 0) throw new Error(link.stderr);
  const name = `${builder.registry}/stub/cann`;
  const digest = await builder.build({ context, dockerfile: context, push: `${name}:9.0.0-stub` });
  rmSync(join(context, "rootfs.tar"));
  return `${name}@${digest}`;
}
