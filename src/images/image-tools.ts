/** Arguments of the programs that look at, sign and build images outside `pulumi up`. Pure: each is one list of words. */
import { join } from "node:path";
import { buildkitInputs } from "./engine-inputs.ts";
import type { ImageBuild } from "./image-plan.ts";

/** Asks a registry for the digest of a tag. */
export const digestQuery = {
  crane: (reference: string): readonly string[] => ["crane", "digest", reference],
  skopeo: (reference: string): readonly string[] => [
    ...["skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", `docker://${reference}`],
  ],
} as const;

/** Programs that can ask a registry, in the order in which they are looked for. */
export const registryTools = Object.keys(digestQuery) as (keyof typeof digestQuery)[];

/** Lists what is inside an image, straight from its registry. */
export const sbomCommand = (
  reference: string,
  format: "spdx-json" | "cyclonedx-json",
  output: string,
): readonly string[] => [...["syft", "scan", `registry:${reference}`, "--output", `${format}=${output}`]];

/** A signing configuration that names no public service, for closed networks; cosign 3 asks for one. */
export const signingConfigurationCommand = (file: string): readonly string[] => [
  ...["cosign", "signing-config", "create", "--out", file],
];

/** Signs an image with a key: a file, or the address of a key service. */
export const signCommand = (reference: string, key: string, signingConfiguration: string): readonly string[] => [
  ...["cosign", "sign", "--yes", "--key", key, "--signing-config", signingConfiguration, reference],
];

/** Verifies a signature by key. The public log is not asked: in a closed network the key alone counts. */
export const verifyCommand = (reference: string, key: string): readonly string[] => [
  ...["cosign", "verify", "--key", key, "--insecure-ignore-tlog=true", reference],
];

/** The same build as `pulumi up`, for a platform's own pipeline. */
export function buildxCommand(build: ImageBuild, images: string): readonly string[] {
  const inputs = buildkitInputs<string>(build, images, undefined, {});
  const { settings } = build;
  return [
    ...["docker", "buildx", "build"],
    ...(settings.builder === undefined ? [] : ["--builder", settings.builder]),
    ...["--file", join(images, "training", "Dockerfile"), "--platform", build.platforms.join(",")],
    ...(settings.sources === undefined ? [] : ["--build-context", `sources=${settings.sources}`]),
    ...Object.entries(build.buildArguments).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ...(settings.certificates === undefined ? [] : ["--secret", `id=ca,src=${settings.certificates}`]),
    ...(settings.pipConfiguration === undefined ? [] : ["--secret", `id=pip,src=${settings.pipConfiguration}`]),
    ...settings.cacheFrom.flatMap((reference) => ["--cache-from", `type=registry,ref=${reference}`]),
    ...(settings.cacheTo === undefined ? [] : ["--cache-to", `type=registry,mode=max,ref=${settings.cacheTo}`]),
    ...inputs.exports.flatMap(({ raw }) => ["--output", raw]),
    ...["--metadata-file", "image-metadata.json", images],
  ];
}
