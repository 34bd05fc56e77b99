/** The complete command of one node, as the in-pod runtime starts it. */
import type { StagePlan } from "../stages/stage-plan.ts";

/**
 * The command of the node with rank 0; the other nodes differ in `--node_rank` alone.
 *
 * @param masterAddress address of the node with rank 0
 */
export function nodeCommand(plan: StagePlan, masterAddress: string): readonly string[] {
  if (plan.launch.kind === "process") return plan.program;
  return [
    "torchrun",
    ...["--nproc_per_node", String(plan.npusPerNode)],
    ...["--nnodes", String(plan.nodes)],
    ...["--node_rank", "0"],
    ...["--master_addr", masterAddress],
    ...["--master_port", String(plan.launch.masterPort)],
    ...plan.program,
  ];
}
