/** Hands a planned object to the Pulumi engine. The manifest is passed on as it is; nothing is decided here. */
import packageFile from "@pulumi/kubernetes/package.json" with { type: "json" };
import type { PlannedObject, RegistrySecret } from "../kubernetes/planned-object.ts";
import { replaceValue } from "../kubernetes/replace-value.ts";
import * as pulumi from "../pulumi.ts";

/** Reads a secret of the stack's configuration by its path. */
export type SecretReader = (path: readonly (string | number)[]) => pulumi.Output<string>;

/** The provider's name for a kind: `kubernetes:<group>/<version>:<kind>`, where the core group is called `core`. */
export const resourceToken = (apiVersion: string, kind: string): string =>
  `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;

/** Any object of the cluster, registered as it is. */
class KubernetesResource extends pulumi.CustomResource {}

/** The Docker configuration that a pull secret holds, as a secret output. */
function dockerConfiguration(
  secret: RegistrySecret,
  readSecret: SecretReader,
): Readonly<Record<string, pulumi.Output<string>>> {
  const text = readSecret(secret.passwordPath).apply((password) => {
    const auth = Buffer.from(`${secret.username}:${password}`).toString("base64");
    return JSON.stringify({ auths: { [secret.server]: { username: secret.username, password, auth } } });
  });
  return { ".dockerconfigjson": pulumi.secret(text) };
}

/** An image that the stack builds: the name under which it stands in manifests, and the reference that the engine puts there. */
export interface BuiltImage {
  readonly name: string;
  readonly reference: pulumi.Output<string>;
  readonly resource: pulumi.Resource;
}

/** Registers one object. `dependencies` are the resources of the objects it comes after. */
export function registerObject(
  object: PlannedObject,
  parent: pulumi.Resource | undefined,
  dependencies: readonly pulumi.Resource[],
  readSecret: SecretReader,
  image?: BuiltImage,
): pulumi.CustomResource {
  const { manifest, timeoutSeconds } = object;
  const limit = timeoutSeconds === undefined ? undefined : `${timeoutSeconds}s`;
  const options: pulumi.CustomResourceOptions = {
    ...(parent === undefined ? {} : { parent }),
    version: packageFile.version,
    dependsOn: [...dependencies],
    protect: object.isProtected,
    retainOnDelete: object.isRetained,
    ...(object.ignoredFields === undefined ? {} : { ignoreChanges: [...object.ignoredFields] }),
    ...(manifest.kind === "Secret" ? { additionalSecretOutputs: ["data", "stringData"] } : {}),
    ...(limit === undefined ? {} : { customTimeouts: { create: limit, update: limit } }),
    ...(object.replaceOnChanges === undefined
      ? {}
      : { replaceOnChanges: [...object.replaceOnChanges], deleteBeforeReplace: true }),
  };
  const plain =
    object.registrySecret === undefined
      ? manifest
      : { ...manifest, stringData: dockerConfiguration(object.registrySecret, readSecret) };
  // The spec alone: files of a stage record the image by its name, which is known before it is built.
  const inputs =
    image === undefined || plain.spec === undefined
      ? plain
      : { ...plain, spec: replaceValue(plain.spec, image.name, image.reference) };
  return new KubernetesResource(resourceToken(manifest.apiVersion, manifest.kind), object.name, inputs, options);
}
