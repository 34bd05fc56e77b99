/** A lock between processes of one machine: a file that names its owner. The lock of a dead owner is taken over. */
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isRunning, type ProcessIdentity } from "./processes.ts";

const pollMilliseconds = 200;

function ownerOf(file: string): ProcessIdentity | undefined {
  try {
    // Written below in one step, so it is whole or not there.
    return JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

/** Longer than any process needs between seeing a dead owner and removing its file. */
const takeoverMilliseconds = 100;

/** Takes the lock if nobody has it. A link appears whole or not at all, which a written file does not. */
function take(file: string, mine: string): "taken" | "held" | "was stale" {
  try {
    linkSync(mine, file);
    return "taken";
  } catch {
    const owner = ownerOf(file);
    if (owner !== undefined && isRunning(owner)) return "held";
    rmSync(file, { force: true });
    return "was stale";
  }
}

/** Waits for the lock. After a stale one, another process may remove the new file once: then it is taken again. */
async function acquire(file: string, mine: string, onHeld: () => void): Promise<void> {
  let wasStale = false;
  for (;;) {
    const result = take(file, mine);
    if (result === "was stale") wasStale = true;
    else if (result === "held") {
      onHeld();
      await sleep(pollMilliseconds);
    } else {
      if (!wasStale) return;
      await sleep(takeoverMilliseconds);
      if (statSync(file, { throwIfNoEntry: false })?.ino === statSync(mine).ino) return;
    }
  }
}

/**
 * Runs work that only one process may do at a time.
 *
 * @param file path of the lock file
 * @param onWait called once when another process has the lock
 */
export async function withLock<Result>(
  file: string,
  work: () => Promise<Result>,
  onWait: (owner: number) => void = () => undefined,
): Promise<Result> {
  mkdirSync(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(mine, JSON.stringify(identify(process.pid)));
  let isAnnounced = false;
  try {
    await acquire(file, mine, () => {
      const owner = ownerOf(file);
      if (owner === undefined || isAnnounced) return;
      isAnnounced = true;
      onWait(owner.id);
    });
    try {
      return await work();
    } finally {
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}
