/**
 * The training image in the engine's tree. `up` builds and pushes it, a preview does not; what the jobs get is always
 * `repository@sha256:…`.
 */
import { readFileSync } from "node:fs";
import * as pulumi from "../pulumi.ts";
import { buildkitInputs, dockerInputs, type RegistryAccess } from "./engine-inputs.ts";
import type { ImageBuild } from "./image-plan.ts";
import { providerVersions } from "./provider-versions.ts";

/** Arguments of {@link TrainingImage}. */
export interface TrainingImageArguments {
  readonly build: ImageBuild;
  /** Folder `images` of the project. */
  readonly images: string;
  /** Access for pushing; without it the engine's own login counts. */
  readonly registry?: RegistryAccess<pulumi.Output<string>>;
}

/** An image built by a plain Docker engine. */
class DockerImage extends pulumi.CustomResource {
  declare readonly repoDigest: pulumi.Output<string>;

  constructor(
    name: string,
    { build, images, registry }: TrainingImageArguments,
    options: pulumi.CustomResourceOptions,
  ) {
    const inputs = { ...dockerInputs(build, images, registry), repoDigest: undefined };
    super("docker:index/image:Image", name, inputs, { ...options, version: providerVersions.docker });
  }
}

/** Secrets of a build are read when it is planned, and go to the engine as secrets. */
function buildSecrets({ settings }: ImageBuild): Readonly<Record<string, pulumi.Output<string>>> {
  const read = (file: string): pulumi.Output<string> => pulumi.secret(readFileSync(file, "utf8"));
  return {
    ...(settings.certificates === undefined ? {} : { ca: read(settings.certificates) }),
    ...(settings.pipConfiguration === undefined ? {} : { pip: read(settings.pipConfiguration) }),
  };
}

/** An image built by BuildKit. */
class BuildkitImage extends pulumi.CustomResource {
  declare readonly digest: pulumi.Output<string>;

  constructor(
    name: string,
    { build, images, registry }: TrainingImageArguments,
    options: pulumi.CustomResourceOptions,
  ) {
    const inputs = { ...buildkitInputs(build, images, registry, buildSecrets(build)), digest: undefined };
    super("docker-build:index:Image", name, inputs, { ...options, version: providerVersions["docker-build"] });
  }
}

/** The image of an environment, built and pushed. */
export class TrainingImage extends pulumi.ComponentResource {
  /** `repository@sha256:…`; not known before the first `up`. */
  readonly reference: pulumi.Output<string>;
  /** The image itself; jobs come after it. */
  readonly image: pulumi.CustomResource;

  constructor(name: string, image: TrainingImageArguments, options?: pulumi.ComponentResourceOptions) {
    super("ascend-stacks:images:TrainingImage", name, {}, options);
    const { build } = image;
    if (build.engine === "docker") {
      const built = new DockerImage(name, image, { parent: this });
      this.reference = built.repoDigest;
      this.image = built;
    } else {
      const built = new BuildkitImage(name, image, { parent: this });
      this.reference = built.digest.apply((digest) => `${build.repository}@${digest}`);
      this.image = built;
    }
    this.registerOutputs({ reference: this.reference });
  }
}
