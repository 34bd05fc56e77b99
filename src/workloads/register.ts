/** Hands a planned object to the Pulumi engine. The manifest is passed on as it is; nothing is decided here. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { PlannedObject, RegistrySecret } from "../kubernetes/planned-object.ts";

/** Reads a secret of the stack's configuration by its path. */
export type SecretReader = (path: readonly (string | number)[]) => pulumi.Output<string>;

type Constructor = new (name: string, args: object, options: pulumi.CustomResourceOptions) => pulumi.CustomResource;

/** Resource classes of the kinds that plans use; all others go in as custom resources. */
const classes: Readonly<Record<string, Constructor>> = {
  "v1/Namespace": kubernetes.core.v1.Namespace,
  "v1/ConfigMap": kubernetes.core.v1.ConfigMap,
  "v1/Secret": kubernetes.core.v1.Secret,
  "v1/Service": kubernetes.core.v1.Service,
  "v1/PersistentVolumeClaim": kubernetes.core.v1.PersistentVolumeClaim,
  "batch/v1/Job": kubernetes.batch.v1.Job,
};

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

/** Registers one object. `dependencies` are the resources of the objects it comes after. */
export function registerObject(
  object: PlannedObject,
  parent: pulumi.Resource | undefined,
  dependencies: readonly pulumi.Resource[],
  readSecret: SecretReader,
): pulumi.CustomResource {
  const { manifest, timeoutSeconds } = object;
  const limit = timeoutSeconds === undefined ? undefined : `${timeoutSeconds}s`;
  const options: pulumi.CustomResourceOptions = {
    ...(parent === undefined ? {} : { parent }),
    dependsOn: [...dependencies],
    protect: object.isProtected,
    retainOnDelete: object.isRetained,
    ...(limit === undefined ? {} : { customTimeouts: { create: limit, update: limit } }),
  };
  const args =
    object.registrySecret === undefined
      ? manifest
      : { ...manifest, stringData: dockerConfiguration(object.registrySecret, readSecret) };
  const Class = classes[`${manifest.apiVersion}/${manifest.kind}`];
  if (Class !== undefined) return new Class(object.name, args, options);
  return new kubernetes.apiextensions.CustomResource(object.name, args, options);
}
