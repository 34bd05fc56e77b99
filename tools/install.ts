/** `node tools/install.ts [names…]`: installs the pinned tools, all by default, and prints where each came from. */
import { parseArgs } from "node:util";
import { tableLines } from "../src/cli/table.ts";
import { cacheRoot, listInstalled } from "./cache.ts";
import { ensureTools, type InstalledTool, ToolError } from "./ensure.ts";
import { tools } from "./manifest.ts";

const table = (installedTools: readonly InstalledTool[]): string => {
  const rows = installedTools.map(({ name, version, way, seconds, folder }) => [
    name,
    version,
    way,
    `${seconds} s`,
    folder,
  ]);
  return `${tableLines([["TOOL", "VERSION", "WAY", "TOOK", "FOLDER"], ["node", process.versions.node, "bootstrap", "", process.execPath], ...rows]).join("\n")}\n`;
};

const usage = `usage: node tools/install.ts [--json] [--list] [names…]
  names   ${tools.map(({ name }) => name).join(", ")}; all by default
  --list  print what the cache holds, of every version, and install nothing
  --json  print JSON
`;

/** The words of the command line, or undefined when they are not understood. */
function parse() {
  try {
    return parseArgs({ allowPositionals: true, options: { json: { type: "boolean" }, list: { type: "boolean" } } });
  } catch (error) {
    process.stderr.write(`tools: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

function list(isJson: boolean): void {
  const notes = listInstalled(cacheRoot());
  const rows = notes.map(({ name, version, way, seconds, folder }) => [name, version, way, `${seconds} s`, folder]);
  const lines = tableLines([["TOOL", "VERSION", "WAY", "TOOK", "FOLDER"], ...rows]);
  process.stdout.write(`${isJson ? JSON.stringify(notes, null, 2) : lines.join("\n")}\n`);
}

async function main(): Promise<number> {
  const parsed = parse();
  if (parsed === undefined) return 1;
  const { values, positionals } = parsed;
  const unknown = positionals.filter((name) => !tools.some((tool) => tool.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`tools: unknown ${unknown.join(", ")}\n${usage}`);
    return 1;
  }
  if (values.list === true) {
    list(values.json === true);
    return 0;
  }
  try {
    const installedTools = await ensureTools(positionals.length > 0 ? positionals : undefined);
    process.stdout.write(values.json === true ? `${JSON.stringify(installedTools, null, 2)}\n` : table(installedTools));
    return 0;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    process.stderr.write(`tools: ${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
