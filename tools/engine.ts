/** The Pulumi engine without account and without network: state in files, plugins in a folder of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "./cache.ts";
import { ensureTools, programOf, toolSearchPath } from "./ensure.ts";
import { type CommandResult, run } from "./processes.ts";
import { type ProviderOrigin, providePulumiKubernetes } from "./stand-in-provider/install.ts";

/** An engine that works on one virtual cluster. */
export interface Engine {
  /** Path of the CLI. */
  readonly pulumi: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Whose Kubernetes provider is in use. */
  readonly provider: ProviderOrigin;
}

/**
 * Variables that keep the engine on this machine. The empty passphrase protects nothing; stacks of the virtual cluster hold no secret.
 *
 * @param folder where state and plugins live
 */
export function engineVariables(folder: string, kubeconfig: string): Readonly<Record<string, string>> {
  return {
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_DISABLE_REGISTRY_RESOLVE: "true",
    PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
    PULUMI_CREDENTIAL_STORE: "plaintext",
    NODE_COMPILE_CACHE: join(cacheRoot(), "node-compile-cache"),
    KUBECONFIG: kubeconfig,
  };
}

/** Prepares an engine: programs, folders, Kubernetes provider. */
export async function prepareEngine(
  folder: string,
  kubeconfig: string,
  progress: (line: string) => void,
): Promise<Engine> {
  const installed = await ensureTools(["pulumi"]);
  const variables = engineVariables(folder, kubeconfig);
  for (const path of [join(folder, "state"), join(folder, "home")]) mkdirSync(path, { recursive: true });
  const environment = { ...process.env, ...variables, PATH: `${toolSearchPath(installed)}:${process.env.PATH ?? ""}` };
  const pulumi = programOf(installed, "pulumi");
  const provider = await providePulumiKubernetes({ pulumi, pulumiHome: join(folder, "home"), progress, environment });
  return { pulumi, environment, provider };
}

/** Runs the CLI in a project folder, without questions and colours. */
export const runPulumi = (engine: Engine, projectFolder: string, words: readonly string[]): Promise<CommandResult> =>
  run(engine.pulumi, [...words, "--non-interactive", "--color", "never"], {
    environment: engine.environment,
    folder: projectFolder,
  });
