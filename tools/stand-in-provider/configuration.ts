/** The provider's own settings: reading them, refusing those it cannot honour, and telling when they mean another cluster. */
import { ProviderError } from "./errors.ts";
import { isEqual, isObject, type Json, type JsonObject } from "./json.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import { containsUnknown, plainObject } from "./property-values.ts";

/** Settings of one provider instance. */
export interface Configuration {
  /** Path or content. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Namespace for objects that name none. */
  readonly namespace: string | undefined;
  /** Whether the data of ConfigMaps may change in place. */
  readonly isConfigMapMutable: boolean;
  /** Whether the data of Secrets may change in place. */
  readonly isSecretMutable: boolean;
}

/** One setting that is wrong. */
export interface SettingFailure {
  readonly property: string;
  readonly reason: string;
}

/** Settings of the official provider that this one understands. */
const understood = new Set([
  "kubeconfig",
  "context",
  "namespace",
  "enableConfigMapMutable",
  "enableSecretMutable",
  "enableServerSideApply",
  "version",
]);

/** Settings of the official provider that change nothing here. */
const harmless = new Set([
  "cluster",
  "suppressDeprecationWarnings",
  "suppressHelmHookWarnings",
  "kubeClientSettings",
  "helmReleaseSettings",
]);

const hasValue = (value: Json | undefined): boolean =>
  value !== undefined && value !== null && value !== "" && value !== false && value !== "false";

const isTrue = (value: Json | undefined, fallback: string | undefined): boolean =>
  hasValue(value) ? value === true || value === "true" : fallback === "true";

/** A kubeconfig given as an object, or as JSON inside a string, is content. */
function textOf(value: Json | undefined): string | undefined {
  if (!hasValue(value)) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Everything that is wrong with the settings. Unknown values pass; they are checked when they are known. */
export function configurationFailures(
  properties: JsonObject,
  refusal: (what: string) => string,
): readonly SettingFailure[] {
  const settings = plainObject(properties);
  return Object.entries(settings).flatMap(([property, value]) => {
    if (property === "enableServerSideApply" && (value === false || value === "false")) {
      return [{ property, reason: refusal("client-side apply (enableServerSideApply: false)") }];
    }
    if (understood.has(property) || harmless.has(property) || property.startsWith("__") || !hasValue(value)) return [];
    return [{ property, reason: refusal(`the provider setting ${property}`) }];
  });
}

/**
 * Reads the settings.
 *
 * @param properties in wire form
 * @throws ProviderError when a setting cannot be honoured
 */
export function readConfiguration(
  properties: JsonObject,
  environment: NodeJS.ProcessEnv,
  refusal: (what: string) => string,
): Configuration {
  const failures = configurationFailures(properties, refusal);
  if (failures.length > 0) throw new ProviderError(failures.map(({ reason }) => reason).join("\n"));
  const settings = plainObject(properties);
  return {
    kubeconfig: textOf(settings.kubeconfig),
    context: textOf(settings.context),
    namespace: textOf(settings.namespace),
    isConfigMapMutable: isTrue(settings.enableConfigMapMutable, environment.PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE),
    isSecretMutable: isTrue(settings.enableSecretMutable, environment.PULUMI_K8S_ENABLE_SECRET_MUTABLE),
  };
}

/** What makes two providers talk to the same cluster; undefined when the kubeconfig cannot be read any more. */
function clusterOf(settings: JsonObject, environment: NodeJS.ProcessEnv): JsonObject | undefined {
  try {
    const target = readKubeconfig(
      { kubeconfig: textOf(settings.kubeconfig), context: textOf(settings.context) },
      environment,
    );
    return {
      server: target.server.href,
      certificateAuthority: target.certificateAuthority ?? null,
      extensions: target.extensions,
    };
  } catch {
    return undefined;
  }
}

/** How two sets of settings differ. */
export interface ConfigurationDifference {
  readonly changed: readonly string[];
  /** Settings whose change means another cluster, so that every object has to be made anew. */
  readonly replacing: readonly string[];
}

/** Compares settings. A change of kubeconfig or context that leads to the same cluster replaces nothing. */
export function compareConfigurations(
  olds: JsonObject,
  news: JsonObject,
  environment: NodeJS.ProcessEnv,
): ConfigurationDifference {
  const before = plainObject(olds);
  const after = plainObject(news);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !isEqual(before[key], after[key]))
    .sort();
  const leading = changed.filter((key) => key === "kubeconfig" || key === "context");
  const unknown = leading.filter((key) => containsUnknown(after[key]));
  if (unknown.length > 0) return { changed, replacing: unknown };
  if (leading.length === 0) return { changed, replacing: [] };
  const previous = clusterOf(before, environment);
  const next = clusterOf(after, environment);
  const isSame = isObject(previous) && isObject(next) && isEqual(previous, next);
  return { changed, replacing: isSame ? [] : leading };
}
