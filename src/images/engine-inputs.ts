/** Inputs of the two image resources, as pure functions: what Pulumi's Docker providers are asked to do. */
import { join } from "node:path";
import { builtName, type ImageBuild } from "./image-plan.ts";

/** Access to the registry that the image is pushed to; `Text` is plain here and an output of the engine there. */
export interface RegistryAccess<Text> {
  readonly server: string;
  readonly username: string;
  readonly password: Text;
}

/** Content of files that single steps of a build may read, by name; no layer keeps them. */
export type BuildSecrets<Text> = Readonly<Record<string, Text>>;

/** What the provider for a plain engine is asked for: `docker:index/image:Image`. */
export function dockerInputs<Text>(build: ImageBuild, images: string, registry: RegistryAccess<Text> | undefined) {
  const [platform = "linux/arm64"] = build.platforms;
  return {
    imageName: builtName(build),
    build: {
      context: images,
      dockerfile: join(images, "training", "Dockerfile"),
      platform,
      // The old builder knows no mounts.
      builderVersion: "BuilderBuildKit" as const,
      args: { ...build.buildArguments },
      ...(build.settings.cacheFrom.length === 0 ? {} : { cacheFrom: { images: [...build.settings.cacheFrom] } }),
    },
    buildOnPreview: false,
    skipPush: false,
    ...(registry === undefined ? {} : { registry: { ...registry } }),
  };
}

/** What the provider for BuildKit is asked for: `docker-build:index:Image`. */
export function buildkitInputs<Text>(
  build: ImageBuild,
  images: string,
  registry: RegistryAccess<Text> | undefined,
  secrets: BuildSecrets<Text>,
) {
  const { settings } = build;
  return {
    context: {
      location: images,
      ...(settings.sources === undefined ? {} : { named: { sources: { location: settings.sources } } }),
    },
    dockerfile: { location: join(images, "training", "Dockerfile") },
    platforms: build.platforms.map((platform) => (platform === "linux/amd64" ? "linux/amd64" : "linux/arm64")),
    buildArgs: { ...build.buildArguments },
    buildOnPreview: false,
    // The export pushes: only its raw form can cut file times, without which no digest repeats.
    push: false,
    exports: [{ raw: `type=image,name=${builtName(build)},push=true,oci-mediatypes=true,rewrite-timestamp=true` }],
    ...(settings.builder === undefined ? {} : { builder: { name: settings.builder } }),
    ...(settings.cacheFrom.length === 0 ? {} : { cacheFrom: settings.cacheFrom.map((ref) => ({ registry: { ref } })) }),
    ...(settings.cacheTo === undefined
      ? {}
      : { cacheTo: [{ registry: { ref: settings.cacheTo, mode: "max" as const } }] }),
    ...(registry === undefined
      ? {}
      : { registries: [{ address: registry.server, username: registry.username, password: registry.password }] }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets: { ...secrets } }),
  };
}
