/** Where a command prints: text to people, with colours only on a terminal. */
import { styleText } from "node:util";

/** Output of a command. */
export interface Terminal {
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  readonly bold: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  /** Columns at this moment; undefined or absent when the output is no terminal. */
  readonly width?: () => number | undefined;
  /** Rows at this moment; undefined or absent when the output is no terminal. */
  readonly rows?: () => number | undefined;
}

/** The process's own output; `NO_COLOR` and pipes switch colours off. */
export function processTerminal(): Terminal {
  const style = (format: "bold" | "yellow" | "red" | "green") => (text: string) =>
    styleText(format, text, { stream: process.stdout });
  return {
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
    bold: style("bold"),
    yellow: style("yellow"),
    red: style("red"),
    green: style("green"),
    width: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    rows: () => (process.stdout.isTTY ? process.stdout.rows : undefined),
  };
}
