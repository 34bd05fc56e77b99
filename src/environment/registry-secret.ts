/** The pull secret of an environment: filled in by the engine, or made in the cluster from a reference that is fit for Git. */
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { registrySecretName } from "../workloads/pod.ts";
import { type NamedEnvironment, type OwnObject, ownObject } from "./own-object.ts";

const type = "kubernetes.io/dockerconfigjson";

/** The part of an ExternalSecret (external-secrets.io/v1) that says which secret is made of what. */
const externalSecret = (
  secretStoreRef: { readonly name: string; readonly kind: string },
  { key, property }: { readonly key: string; readonly property: string | undefined },
) => ({
  refreshInterval: "1h",
  secretStoreRef,
  target: { name: registrySecretName, creationPolicy: "Owner", template: { type } },
  data: [{ secretKey: ".dockerconfigjson", remoteRef: { key, ...(property === undefined ? {} : { property }) } }],
});

/** The secret, if the stack file holds credentials. */
export function registrySecretObjects(named: NamedEnvironment): readonly PlannedObject[] {
  const credentials = named.environment.image.registryCredentials;
  if (credentials === undefined) return [];
  const secret = (own: Pick<OwnObject, "apiVersion" | "kind" | "fields">): PlannedObject =>
    ownObject(named, { name: "registry-secret", objectName: registrySecretName, component: "registry", ...own });
  if ("externalSecret" in credentials) {
    const { store, storeKind, key, property } = credentials.externalSecret;
    const spec = externalSecret({ name: store, kind: storeKind }, { key, property });
    return [secret({ apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", fields: { spec } })];
  }
  if ("sealedSecret" in credentials) {
    const spec = { encryptedData: { ".dockerconfigjson": credentials.sealedSecret }, template: { type } };
    return [secret({ apiVersion: "bitnami.com/v1alpha1", kind: "SealedSecret", fields: { spec } })];
  }
  const { server, username } = credentials;
  const registrySecret = { server, username, passwordPath: ["image", "registryCredentials", "password"] };
  return [{ ...secret({ apiVersion: "v1", kind: "Secret", fields: { type } }), registrySecret }];
}
