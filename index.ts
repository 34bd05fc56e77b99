import { ConfigurationError, warningLine } from "./src/config/diagnostics.ts";
import { type EnvironmentOutputs, registerEnvironment } from "./src/program.ts";
import * as pulumi from "./src/pulumi.ts";
import { planStackFromEngine } from "./src/stack.ts";

// The language host maps every stack trace through source maps, and the SDK takes one for each resource. Stripped types keep their
// positions, so there is nothing to map; reading maps would cost as much as planning the environment twice.
Reflect.deleteProperty(Error, "prepareStackTrace");

const configuration = new pulumi.Config();

/** Whether the engine has decrypted some part of the environment; the language host lists the keys that hold secrets. */
const holdsSecrets = (process.env.PULUMI_CONFIG_SECRET_KEYS ?? "").includes('"ascend-stacks:environment"');

/** Reads one secret of the configuration; its value stays marked as a secret all the way. */
function readSecret(path: readonly (string | number)[]): pulumi.Output<string> {
  return configuration.requireSecretObject<unknown>("environment").apply((value) => {
    let inner = value;
    for (const key of path) inner = (inner as Record<string | number, unknown> | undefined)?.[key];
    return String(inner);
  });
}

function register(): EnvironmentOutputs {
  try {
    const engineValue = configuration.getObject("environment");
    const stack = planStackFromEngine(import.meta.dirname, pulumi.getStack(), engineValue, holdsSecrets);
    for (const warning of stack.warnings) void pulumi.log.warn(warningLine(warning));
    return registerEnvironment(stack.plan, stack.objects, readSecret, stack.build);
  } catch (error) {
    if (error instanceof ConfigurationError) throw new pulumi.RunError(error.message);
    throw error;
  }
}

export const { namespace, runs, image } = register();
