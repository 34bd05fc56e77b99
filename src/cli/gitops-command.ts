/** `ascend gitops <tool> <stack> …`: the objects by which a delivery tool takes rendered stacks, or this project itself, from Git. */
import { parseArgs } from "node:util";
import { argoCdApplication, argoCdApplicationSet } from "../gitops/argo-cd.ts";
import { fluxObjects } from "../gitops/flux.ts";
import { pulumiOperatorStack } from "../gitops/pulumi-operator.ts";
import { yamlText } from "../gitops/render.ts";
import type { DeliverySource } from "../gitops/source.ts";
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import { type PlannedStack, planStack } from "../stack.ts";
import { UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

const usage =
  "usage: ascend gitops argocd|argocd-set|flux|pulumi-operator <stack>… --repository <address> [--revision main] [--path deploy] [--namespace …] …";

const options = {
  repository: { type: "string" },
  revision: { type: "string", default: "main" },
  path: { type: "string" },
  namespace: { type: "string" },
  project: { type: "string", default: "default" },
  server: { type: "string", default: "https://kubernetes.default.svc" },
  name: { type: "string", default: "ascend-stacks" },
  interval: { type: "string", default: "10m" },
  "service-account": { type: "string" },
  backend: { type: "string" },
  "passphrase-secret": { type: "string", default: "ascend-stacks-passphrase" },
} as const;

type Values = Readonly<Partial<Record<keyof typeof options, string>>>;

interface Request {
  readonly stacks: readonly { readonly name: string; readonly namespace: string; readonly planned: PlannedStack }[];
  readonly source: DeliverySource;
  readonly values: Values;
}

function required(values: Values, name: keyof Values, why: string): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing: ${why}; ${usage}`);
  return value;
}

/** What each tool needs; the folder in Git is that of the rendered stacks, or of the project itself. */
const tools: Readonly<
  Record<string, { readonly path: string; readonly make: (request: Request) => readonly KubernetesObject[] }>
> = {
  argocd: {
    path: "deploy",
    make: ({ stacks, source, values }) => stacks.map((stack) => argoCdApplication(stack, source, argoCd(values))),
  },
  "argocd-set": {
    path: "deploy",
    make: ({ stacks, source, values }) => [argoCdApplicationSet(values.name ?? "", stacks, source, argoCd(values))],
  },
  flux: {
    path: "deploy",
    make: ({ stacks, source, values }) =>
      stacks.flatMap((stack) =>
        fluxObjects(
          stack,
          source,
          {
            namespace: values.namespace ?? "flux-system",
            interval: values.interval ?? "",
            ...(values["service-account"] === undefined ? {} : { serviceAccountName: values["service-account"] }),
          },
          stack.planned.objects,
        ),
      ),
  },
  "pulumi-operator": {
    path: ".",
    make: ({ stacks, source, values }) =>
      stacks.map((stack) =>
        pulumiOperatorStack(stack, source, {
          namespace: values.namespace ?? "pulumi-kubernetes-operator",
          backend: required(values, "backend", "the address of the state, e.g. s3://bucket"),
          serviceAccountName: required(values, "service-account", "the account that deploys"),
          passphraseSecret: values["passphrase-secret"] ?? "",
        }),
      ),
  },
};

const argoCd = (values: Values) => ({
  namespace: values.namespace ?? "argocd",
  project: values.project ?? "",
  server: values.server ?? "",
});

function parse(words: readonly string[]): { readonly names: readonly string[]; readonly values: Values } {
  try {
    const { positionals, values } = parseArgs({ args: [...words], allowPositionals: true, options });
    return { names: positionals, values };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; ${usage}`);
  }
}

/** Runs the command; prints the objects as YAML. */
export function gitopsCommand(words: readonly string[], projectFolder: string, terminal: Terminal): number {
  const { names, values } = parse(words);
  const [toolName, ...stackNames] = names;
  const tool = toolName !== undefined && Object.hasOwn(tools, toolName) ? tools[toolName] : undefined;
  if (tool === undefined) {
    throw new UsageError(`${toolName === undefined ? "the tool is missing" : `unknown tool ${toolName}`}; ${usage}`);
  }
  if (stackNames.length === 0) throw new UsageError(`the name of a stack is missing; ${usage}`);
  const source: DeliverySource = {
    repository: required(values, "repository", "where the tool finds the files"),
    revision: values.revision ?? "",
    path: values.path ?? tool.path,
  };
  const stacks = stackNames.map((name) => {
    const planned = planStack(projectFolder, name);
    return { name, namespace: planned.plan.environment.namespace, planned };
  });
  const objects = tool.make({ stacks, source, values });
  terminal.print(objects.map((object) => `---\n${yamlText(withoutEmpty(object))}`).join(""));
  return 0;
}

/** Annotations are part of every object here, but an empty map says nothing in a file. */
function withoutEmpty(object: KubernetesObject): unknown {
  const { annotations, ...metadata } = object.metadata;
  return { ...object, metadata: Object.keys(annotations).length === 0 ? metadata : object.metadata };
}
