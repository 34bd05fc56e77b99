/** How values stand in the files and arguments of MindSpeed-MM. */

/** Fields of a JSON file as data; keys keep upstream's names. */
export type Fields = Readonly<Record<string, unknown>>;

/** A fraction as upstream would write it: small magnitudes in exponent form (`1e-5`), whole values with a decimal (`1.0`). */
export function fractionArgument(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.1) return value.toExponential();
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/**
 * Variables that pick the network interface for the rendezvous of several nodes; without them HCCL and gloo guess.
 *
 * @param networkInterface name of the interface inside the pod, e.g. `eth0`
 */
export const interfaceVariables = (networkInterface: string): Readonly<Record<string, string>> => ({
  HCCL_SOCKET_IFNAME: networkInterface,
  GLOO_SOCKET_IFNAME: networkInterface,
});
