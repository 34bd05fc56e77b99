/** Secrets that nodes and containers need: whether they are there and of the right form. Values are never looked at here. */
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, few, type Remark, unseen, well } from "../finding.ts";
import { imagesOf, madeNames, type Needs, pullSecretNames, secretKeys } from "../needs.ts";

const title = (name: string): string => `Secret ${name}`;

/** Registry of an image: its first part, if that looks like a host, else Docker Hub. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : "docker.io";
}

/** Host of a key in a Docker configuration: `https://registry.example.com/v1/` means the same as the bare name. */
const hostOf = (key: string): string => key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

/** Docker Hub has three names. */
const sameHost = (left: string, right: string): boolean => {
  const plain = (host: string): string => (/^(index\.|registry-1\.)?docker\.io$/.test(host) ? "docker.io" : host);
  return plain(left) === plain(right);
};

const pullTypes: readonly string[] = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"];

function pullSecretRemark(needs: Needs, facts: ClusterFacts, name: string): Remark {
  const where = title(name);
  const secret = facts.secrets[name];
  const registries = [...new Set(imagesOf(needs).map(registryOf))];
  const create = `kubectl -n ${needs.namespace} create secret docker-registry ${name} --docker-server=${registries[0]} --docker-username=<user> --docker-password=<password>`;
  if (secret?.isKnown !== true) return unseen(where, "the pull secret", secret?.because ?? "not asked");
  if (secret.value === undefined) {
    return {
      severity: "error",
      where,
      what: "the pull secret does not exist: nodes pull the image without credentials",
      got: `none in ${needs.namespace}`,
      fix: create,
    };
  }
  const { type, registries: known } = secret.value;
  if (!pullTypes.includes(type)) {
    return {
      severity: "error",
      where,
      what: "the secret is not of a type that nodes take credentials from",
      got: type,
      expected: "kubernetes.io/dockerconfigjson",
      fix: `delete it, then: ${create}`,
    };
  }
  if (known === undefined) return well(where, "is there, in a form that is not looked into");
  const hosts = known.map(hostOf);
  const missing = registries.filter((registry) => !hosts.some((host) => sameHost(host, registry)));
  if (missing.length > 0) {
    return {
      severity: "error",
      where,
      what: "the pull secret has no credentials for the image's registry",
      got: few(hosts) || "no registry",
      expected: few(missing),
      fix: `delete it, then: ${create}`,
    };
  }
  return well(where, `has credentials for ${few(registries)}`);
}

function keyRemarks(needs: Needs, facts: ClusterFacts): readonly Remark[] {
  return secretKeys(needs).map(({ variable, secret: name, key }): Remark => {
    const where = title(name);
    const secret = facts.secrets[name];
    if (secret?.isKnown !== true) return unseen(where, `the secret of ${variable}`, secret?.because ?? "not asked");
    if (secret.value?.keys.includes(key) === true) return well(where, `has the key of ${variable}`);
    return {
      severity: "error",
      where,
      what: `the variable ${variable} is taken from this secret: its containers do not start without it`,
      got: secret.value === undefined ? "no such secret" : few(secret.value.keys) || "no keys",
      expected: `key ${key}`,
      fix: `kubectl -n ${needs.namespace} create secret generic ${name} --from-file=${key}=<file>`,
    };
  });
}

/** Pull secrets and secrets of variables; those that the stack makes come with it. */
export function secretFindings(needs: Needs, facts: ClusterFacts): readonly Finding[] {
  const made = madeNames(needs, "Secret", "ExternalSecret", "SealedSecret");
  return about("secrets", [
    ...pullSecretNames(needs)
      .filter((name) => !made.includes(name))
      .map((name) => pullSecretRemark(needs, facts, name)),
    ...keyRemarks(needs, facts),
  ]);
}
