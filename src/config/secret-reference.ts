import { inspect } from "node:util";

/** Stands for an encrypted value of a stack file. Shows neither its ciphertext nor its plain text, however it is printed. */
export class SecretReference {
  toString(): string {
    return "a secret";
  }
  toJSON(): string {
    return "a secret";
  }
  [inspect.custom](): string {
    return "a secret";
  }
}
