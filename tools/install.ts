/** `node tools/install.ts [names…]`: installs the pinned tools and prints where each came from. */
import { parseArgs } from "node:util";
import { tableLines } from "../src/cli/table.ts";
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

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
  const unknown = positionals.filter((name) => !tools.some((tool) => tool.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`tools: unknown ${unknown.join(", ")}; known: ${tools.map(({ name }) => name).join(", ")}\n`);
    return 1;
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
